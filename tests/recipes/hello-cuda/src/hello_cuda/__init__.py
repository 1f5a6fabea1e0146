"""One CUDA kernel, called through ctypes."""

import ctypes
from pathlib import Path

_LIBRARY = ctypes.CDLL(str(Path(__file__).with_name("libhello_cuda.so")))


def twice(number: int) -> int:
    """Twice the number, computed on the GPU; -1 on a machine without one."""
    return int(_LIBRARY.hello_twice(number))
