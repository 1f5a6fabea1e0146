"""forward.py CFG WEIGHTS OUT: two forward passes with the installed darknet, saved as OUT."""

import sys

import darknet
import networks
import numpy as np

network = darknet.Network(sys.argv[1], sys.argv[2])
values = networks.random_input(network.inputs)
np.save(sys.argv[3], np.stack([network.predict(values), network.predict(values)]))
