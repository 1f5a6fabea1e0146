"""Every compiled file of a wheel looks for its libraries by DT_RPATH, not by DT_RUNPATH.

With DT_RUNPATH, which linkers write today, ``LD_LIBRARY_PATH`` comes first: a CUDA or cuDNN of the
machine's own would be loaded instead of the packages that the wheel requires and pip installed
beside it. Nothing in the environment comes before DT_RPATH. PyTorch's wheels have it for this
reason, auditwheel gives it to every file it changes, and so has NVIDIA's own ``libcudnn.so.9``.
"""

from __future__ import annotations

import io
import struct

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from builder.errors import CheckError
from builder.wheel.archive import Wheel, is_elf

DT_RPATH, DT_RUNPATH = 15, 29


def by_rpath(wheel: Wheel) -> dict[str, bytes]:
    """The files of a wheel that must change, by name.

    Raises:
        CheckError: one of them is damaged, or has run paths of both kinds.
    """
    found = {}
    for name in wheel:
        if is_elf(wheel.start(name, 4)):
            before = wheel.read(name)
            after = with_rpath(name, before)
            if after is not before:
                found[name] = after
    return found


def with_rpath(path: str, data: bytes) -> bytes:
    """An ELF file's bytes with its DT_RUNPATH, if it has one, as DT_RPATH.

    One tag changes and nothing moves (patchelf does the same, given a path that is there already);
    the very same object comes back where there is nothing to do.

    Args:
        path: Its name in the wheel.
        data: Its bytes.

    Raises:
        CheckError: it is damaged, or has both.
    """
    try:
        places, word = _places(data)
    except Exception as error:
        # pyelftools meets damaged files with whatever exception its parser happens to hit.
        raise CheckError(f"{path}: a damaged ELF file ({type(error).__name__}: {error})") from error
    if DT_RUNPATH not in places:
        return data
    if DT_RPATH in places:
        raise CheckError(
            f"{path} has both DT_RPATH and DT_RUNPATH, of which loaders read the second alone",
            remedy="set its run path once, by the linker or by CMake's INSTALL_RPATH",
        )
    changed = bytearray(data)
    word.pack_into(changed, places[DT_RUNPATH], DT_RPATH)
    return bytes(changed)


def _places(data: bytes) -> tuple[dict[int, int], struct.Struct]:
    """Where in the file the dynamic section's tags stand, by tag, and how one is written."""
    elf = ELFFile(io.BytesIO(data))
    word = struct.Struct(("<" if elf.little_endian else ">") + ("q" if elf.elfclass == 64 else "i"))
    dynamic = next((s for s in elf.iter_segments() if isinstance(s, DynamicSegment)), None)
    if dynamic is None:
        return {}, word
    start, count = dynamic["p_offset"], dynamic["p_filesz"] // (2 * word.size)
    found: dict[int, int] = {}
    for place in range(start, start + 2 * word.size * count, 2 * word.size):
        (tag,) = word.unpack_from(data, place)
        if tag == 0:
            break
        found.setdefault(tag, place)
    return found, word
