"""What a process really holds of the C library's memory, whatever the allocator keeps for later."""

from __future__ import annotations

import ctypes

_FIELDS = (
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
)  # fmt: skip -- as malloc.h groups them


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_size_t) for name in _FIELDS)


class _Mallinfo(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int) for name in _FIELDS)


def live_bytes() -> int:
    """Bytes that were taken from malloc and not given back: in all arenas, and mapped ones.

    Unlike the resident memory this depends neither on how many arenas a busy machine's threads
    make nor on holes in them. glibc before 2.33 counts in ints, which is enough here.
    """
    library = ctypes.CDLL(None)
    function = getattr(library, "mallinfo2", None)
    if function is None:
        function, function.restype = library.mallinfo, _Mallinfo
    else:
        function.restype = _Mallinfo2
    info = function()
    return int(info.uordblks) + int(info.hblkhd)
