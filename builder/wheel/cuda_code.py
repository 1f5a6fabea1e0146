"""GPU code inside ELF files: NVIDIA's fat binaries, read in pure Python.

The layout is not documented; what stands here was found by taking apart what nvcc 11.8, 12.4 and
13.0 write, and is held against `cuobjdump` by the tests. A section holds *containers* (one per
translation unit), each a header and a row of *entries*, each a header and its possibly compressed
payload. Compression leaves the headers readable, so nothing needs to be unpacked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from builder.errors import CheckError
from builder.wheel.model import Code, CudaCode

SECTIONS = (".nv_fatbin", "__nv_relfatbin")
"""Sections with containers; `.nvFatBinSegment` only points at them."""
MAGIC = 0xBA55ED50
_CONTAINER = struct.Struct("<IHHQ")
_ENTRY = struct.Struct("<HHIQIIHHIIIQ")
_KINDS = {1: "ptx", 2: "elf", 8: "lto"}
_SPECIFIC = 0x100000
"""Entry flag: code for this very architecture only (`sm_90a`)."""
_FAMILY = 0x200000
"""Entry flag: code for this architecture's family only (`sm_100f`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One image: its kind, the architecture it is for, its bytes with header and padding."""

    kind: str
    architecture: str
    size: int


def containers(data: bytes, *, label: str) -> Iterator[tuple[Entry, ...]]:
    """The containers of one section's bytes, in order, each as its entries.

    Args:
        data: The section.
        label: What to call it in an error.

    Raises:
        CheckError: something other than containers and zero padding stands there.
    """
    position = 0
    while True:
        position = _skip_padding(data, position)
        if position >= len(data):
            return
        if position + _CONTAINER.size > len(data):
            raise CheckError(
                f"{label}: {len(data) - position} stray bytes after the last container"
            )
        magic, version, header, size = _CONTAINER.unpack_from(data, position)
        if magic != MAGIC:
            raise CheckError(f"{label}: no fat binary at byte {position} (found {magic:#010x})")
        if version != 1 or header < _CONTAINER.size:
            raise CheckError(f"{label}: unknown fat binary version {version} at byte {position}")
        end = position + header + size
        if end > len(data):
            raise CheckError(f"{label}: the fat binary at byte {position} is cut short")
        yield tuple(_entries(data, position + header, end, label))
        position = end


def _skip_padding(data: bytes, position: int) -> int:
    """The first byte that is not zero, from a container's end on."""
    while position < len(data):
        chunk = data[position : position + 4096]
        stripped = chunk.lstrip(b"\0")
        if stripped:
            return position + len(chunk) - len(stripped)
        position += len(chunk)
    return position


def _entries(data: bytes, position: int, end: int, label: str) -> Iterator[Entry]:
    while position < end:
        if position + _ENTRY.size > end:
            raise CheckError(f"{label}: the entry at byte {position} is cut short")
        fields = _ENTRY.unpack_from(data, position)
        kind, header, payload, number, flags = (
            fields[0],
            fields[2],
            fields[3],
            fields[8],
            fields[11],
        )
        if header < _ENTRY.size or position + header + payload > end:
            raise CheckError(f"{label}: the entry at byte {position} has impossible sizes")
        if not 10 <= number < 1000:
            raise CheckError(f"{label}: the entry at byte {position} is for no GPU ({number})")
        yield Entry(
            kind=_KINDS.get(kind, f"kind-{kind}"),
            architecture=architecture(number, flags),
            size=header + payload,
        )
        position += header + payload


def architecture(number: int, flags: int) -> str:
    """``75`` as ``7.5``; with the flags of ``sm_90a`` or ``sm_100f``, ``9.0a`` or ``10.0f``."""
    suffix = "f" if flags & _FAMILY else "a" if flags & _SPECIFIC else ""
    return f"{number // 10}.{number % 10}{suffix}"


def summarise(modules: Iterable[tuple[Entry, ...]]) -> CudaCode | None:
    """Sum entries by kind and architecture; None if there are none at all."""
    sizes: dict[tuple[str, str], int] = {}
    holders: dict[tuple[str, str], int] = {}
    count = 0
    for entries in modules:
        count += bool(entries)
        for entry in entries:
            key = (entry.kind, entry.architecture)
            sizes[key] = sizes.get(key, 0) + entry.size
        for key in {(entry.kind, entry.architecture) for entry in entries}:
            holders[key] = holders.get(key, 0) + 1
    if not count:
        return None
    codes = tuple(
        Code(kind=kind, architecture=name, size=sizes[kind, name], modules=holders[kind, name])
        for kind, name in sorted(sizes, key=lambda key: (key[0], sort_key(key[1])))
    )
    return CudaCode(modules=count, codes=codes)


def sort_key(name: str) -> tuple[int, int, str]:
    """Orders ``7.5`` before ``10.0``."""
    major, _, minor = name.partition(".")
    digits = minor.rstrip("af")
    return int(major), int(digits), minor[len(digits) :]
