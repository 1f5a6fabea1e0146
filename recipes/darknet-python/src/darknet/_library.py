"""Loading libdarknet.so, once, and telling ctypes what its functions take."""

from __future__ import annotations

import ctypes
import os
import threading
from ctypes import POINTER, c_char_p, c_float, c_int, c_void_p
from functools import cache
from typing import Any

from darknet._nvidia import locate_all, preload
from darknet._paths import HOME_VARIABLE, LIBRARY, home
from darknet._structs import DETECTION, IMAGE

_FLOATS = POINTER(c_float)
_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "darknet_last_error": (c_char_p, ()),
    "darknet_load_network": (c_void_p, (c_char_p, c_char_p, c_int)),
    "darknet_set_batch_network": (c_int, (c_void_p, c_int)),
    "darknet_batch_network": (c_int, (c_void_p, c_int, c_float)),
    "darknet_set_device": (c_int, (c_int,)),
    "free_network": (None, (c_void_p,)),
    "network_width": (c_int, (c_void_p,)),
    "network_height": (c_int, (c_void_p,)),
    "network_inputs": (c_int, (c_void_p,)),
    "network_outputs": (c_int, (c_void_p,)),
    "darknet_network_predict": (_FLOATS, (c_void_p, _FLOATS)),
    "darknet_network_predict_image": (_FLOATS, (c_void_p, IMAGE)),
    "darknet_get_network_boxes": (
        POINTER(DETECTION),
        (c_void_p, c_int, c_int, c_float, c_float, POINTER(c_int), c_int, POINTER(c_int)),
    ),
    "darknet_get_batch_boxes": (
        POINTER(DETECTION),
        (c_void_p, c_int, c_int, c_int, c_float, c_float, POINTER(c_int), c_int, POINTER(c_int)),
    ),
    "do_nms_network": (None, (c_void_p, POINTER(DETECTION), c_int, c_float)),
    "do_nms_obj": (None, (POINTER(DETECTION), c_int, c_int, c_float)),
    "free_detections": (None, (POINTER(DETECTION), c_int)),
    "darknet_load_image_color": (IMAGE, (c_char_p, c_int, c_int)),
    "letterbox_image": (IMAGE, (IMAGE, c_int, c_int)),
    "free_image": (None, (IMAGE,)),
    "cuda_choose_device": (c_int, ()),
}
"""The names that begin with ``darknet_`` give back nothing, or -1, where Darknet would otherwise
end the process; `last_error` says why."""
DEVICE_LOCK = threading.RLock()
"""Held while networks are made, and by all of them on a GPU: Darknet keeps the device, its streams
and its handles in global variables."""


class LibraryError(ImportError):
    """``libdarknet.so``, or a library of NVIDIA's that it needs, cannot be loaded."""


@cache
def load_library() -> ctypes.CDLL:
    """Darknet's C library, loaded at the first call.

    Sets ``DARKNET_HOME``, through which the library finds the ``cfg/`` and ``data/`` it carries.

    Raises:
        LibraryError: it cannot be loaded; says which of NVIDIA's libraries were not found.
        ValueError: ``DARKNET_DEVICE`` is neither ``cpu`` nor a number.
    """
    device = os.environ.get("DARKNET_DEVICE", "")
    if device not in ("", "cpu") and not (device.isascii() and device.isdigit()):
        raise ValueError(f"DARKNET_DEVICE is {device!r}, neither 'cpu' nor the number of a GPU")
    os.environ[HOME_VARIABLE] = home()
    try:
        preload()
        library = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        missing = ", ".join(found.name for found in locate_all() if found.place == "nowhere")
        hint = f"not found: {missing}" if missing else "all of NVIDIA's libraries were found"
        raise LibraryError(f"{error} ({hint}); `python -m darknet` says more") from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


def last_error(library: ctypes.CDLL) -> str:
    """Why this thread's last call failed: a message with the file and its line, where known."""
    message: bytes = library.darknet_last_error() or b"unknown error"
    return message.decode("utf-8", "replace")
