"""``darknet data``: looking after a data set before an hour of training is lost on it.

Needs neither Darknet's library nor NumPy, so it starts at once and runs anywhere.
"""
