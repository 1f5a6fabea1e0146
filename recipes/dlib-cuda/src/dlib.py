"""dlib, built with CUDA; its code is the extension that ``_dlib_pybind11`` loads.

No file of this distribution lies in a folder ``dlib/``: the CPU builds of dlib write there and
remove it, in whatever order they are installed. A package ``dlib/`` goes before a module
``dlib.py``, so such a build hides this one while it is installed and breaks nothing.
"""

from _dlib_pybind11 import *  # noqa: F403 -- whatever it has, as dlib's own package does
from _dlib_pybind11 import __time_compiled__, __version__  # noqa: F401 -- not in the star
