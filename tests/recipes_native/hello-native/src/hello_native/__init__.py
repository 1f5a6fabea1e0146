"""A C function behind which a native library works."""

import ctypes
from collections.abc import Sequence
from pathlib import Path

_library = ctypes.CDLL(str(Path(__file__).with_name("libhello_native.so")))
_library.hello_greeting.restype = ctypes.c_char_p


def greeting(count: int) -> str | None:
    """What the library says; None where it is built without."""
    said = _library.hello_greeting(count)
    return None if said is None else said.decode()


def median(numbers: Sequence[float]) -> float:
    """The median.

    Raises:
        ValueError: none, or too many of them.
    """
    answer = ctypes.c_double()
    array = (ctypes.c_double * len(numbers))(*numbers)
    if _library.hello_median(array, ctypes.c_size_t(len(numbers)), ctypes.byref(answer)):
        raise ValueError(f"{len(numbers)} numbers have no median here")
    return answer.value
