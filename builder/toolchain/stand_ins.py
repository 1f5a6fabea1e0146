"""Two libraries that nvcc and CMake name on every link line, and some NVIDIA packages lack.

`libcudart_static.a` becomes a linker script that takes the shared runtime: the one there is.
`libcudadevrt.a` becomes an archive of one empty object: only programs that launch kernels from the
device need anything of it, and those end with nvlink's clear "undefined reference".
"""

from __future__ import annotations

import struct
from pathlib import Path

from index.files import write_bytes

RUNTIME = "libcudart_static.a"
DEVICE_RUNTIME = "libcudadevrt.a"

RUNTIME_SCRIPT = b"""\
/* These packages hold no static CUDA runtime; programs link with the shared one. */
INPUT ( -lcudart )
"""

_ELF_CLASS64_LITTLE = b"\x7fELF\x02\x01\x01" + bytes(9)
_RELOCATABLE, _X86_64, _VERSION, _STRING_TABLE = 1, 62, 1, 3


def empty_object() -> bytes:
    """The smallest relocatable ELF object for x86-64 that nvlink reads: a table of its own name.

    (Without a table of section names nvlink crashes.)
    """
    names = b"\0.shstrtab\0".ljust(16, b"\0")
    header = struct.pack(
        "<HHIQQQIHHHHHH", _RELOCATABLE, _X86_64, _VERSION, 0, 0, 80, 0, 64, 0, 0, 64, 2, 1
    )
    table = struct.pack("<IIQQQQIIQQ", 1, _STRING_TABLE, 0, 0, 64, len(names), 0, 0, 1, 0)
    return _ELF_CLASS64_LITTLE + header + names + bytes(64) + table


def empty_archive() -> bytes:
    """An `ar` archive with an empty index and one empty object."""
    index = struct.pack(">I", 0)
    return b"!<arch>\n" + _member("/", index) + _member("empty.o/", empty_object())


def _member(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'644':<8}{len(data):<10}`\n"
    return header.encode() + data + b"\n" * (len(data) % 2)


def add_stand_ins(libraries: Path) -> None:
    """Write what is missing of the two into a toolkit's library folder."""
    for name, data in ((RUNTIME, RUNTIME_SCRIPT), (DEVICE_RUNTIME, empty_archive())):
        if not (libraries / name).exists():
            write_bytes(libraries / name, data)
