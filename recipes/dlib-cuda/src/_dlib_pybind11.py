"""Becomes dlib's extension: pickles of dlib's objects name this module, so it has this name."""

from dlib_cuda import _load

_load.extension(__name__)
