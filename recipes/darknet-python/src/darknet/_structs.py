"""Darknet's C structures that cross the border, by the names its own Python file gave them."""

from __future__ import annotations

from ctypes import POINTER, Structure, c_char_p, c_float, c_int


class BOX(Structure):
    """A box by its centre and size."""

    _fields_ = (("x", c_float), ("y", c_float), ("w", c_float), ("h", c_float))


class DETECTION(Structure):
    """A box with a probability for each class."""

    _fields_ = (
        ("bbox", BOX),
        ("classes", c_int),
        ("prob", POINTER(c_float)),
        ("mask", POINTER(c_float)),
        ("objectness", c_float),
        ("sort_class", c_int),
    )


class IMAGE(Structure):
    """An image: floats from 0 to 1, channel by channel, row by row."""

    _fields_ = (("w", c_int), ("h", c_int), ("c", c_int), ("data", POINTER(c_float)))


class METADATA(Structure):
    """The classes that a ``.data`` file names."""

    _fields_ = (("classes", c_int), ("names", POINTER(c_char_p)))
