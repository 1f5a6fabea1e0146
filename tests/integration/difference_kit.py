"""The first difference of two wheels that should be the same: by diffoscope, or read here."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

from elftools.elf.elffile import ELFFile

LONGEST = 6000
AROUND = 32


def first_difference(one: Path, other: Path) -> str | None:
    """What differs first, or None where every byte is the same."""
    if one.read_bytes() == other.read_bytes():
        return None
    found = f"{one} and {other} differ: {by_reading(one, other)}"
    diffoscope = shutil.which("diffoscope")
    if diffoscope is None:
        return f"{found}\n(apt install diffoscope-minimal shows more)"
    done = subprocess.run(
        [diffoscope, "--text", "-", "--max-text-report-size", str(LONGEST), one, other],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{found}\n{done.stdout[:LONGEST]}"


def by_reading(one: Path, other: Path) -> str:
    """The first difference in the order of the archive: names, contents, then how it is packed."""
    with zipfile.ZipFile(one) as left, zipfile.ZipFile(other) as right:
        names, others = left.namelist(), right.namelist()
        for name, there in zip(names, others, strict=False):
            if name != there:
                return f"'{name}' stands where the other has '{there}'"
        if len(names) != len(others):
            return f"{len(names)} files, and {len(others)}"
        for name in sorted(names, key=lambda name: name.endswith("/RECORD")):
            a, b = left.read(name), right.read(name)
            if a != b:
                return f"'{name}' {where(a, b)}"
        for a_info, b_info in zip(left.infolist(), right.infolist(), strict=True):
            for fact in ("date_time", "external_attr", "compress_size", "compress_type"):
                x, y = getattr(a_info, fact), getattr(b_info, fact)
                if x != y:
                    return f"'{a_info.filename}': {fact} is {x}, and {y}"
    return "only in how the archive is packed"


def where(one: bytes, other: bytes) -> str:
    """The place of the first byte that differs, its section in an ELF file, and what is there."""
    pairs = enumerate(zip(one, other, strict=False))
    at = next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = max(0, at - AROUND)
    shown = f"{one[start : at + AROUND]!r}\n  and {other[start : at + AROUND]!r}"
    sizes = "" if len(one) == len(other) else f", {len(one)} and {len(other)} bytes"
    return f"at byte {at}{section(one, at)}{sizes}:\n      {shown}"


def section(data: bytes, at: int) -> str:
    """Where in an ELF file a byte lies."""
    if not data.startswith(b"\x7fELF"):
        return ""
    for part in ELFFile(io.BytesIO(data)).iter_sections():
        if part["sh_type"] != "SHT_NOBITS" and 0 <= at - part["sh_offset"] < part["sh_size"]:
            return f" (section {part.name})"
    return " (in no section)"
