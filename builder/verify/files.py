"""Whether an installation left other packages' files alone, told from sizes, times and RECORDs."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

NVIDIA = "nvidia"
Snapshot = Mapping[str, tuple[int, int, int]]
"""Path relative to site-packages → size, modification time in ns, inode."""


def snapshot(site_packages: Path) -> Snapshot:
    """Every file below site-packages, without reading any."""
    found = {}
    for file in _walk(site_packages):
        stat = file.stat(follow_symlinks=False)
        name = os.path.relpath(file.path, site_packages)
        found[name] = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return found


def disturbed(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """What an installation did to files that are not its own, one clause each.

    Files that were there must be there unchanged, and nothing may be put in NVIDIA's folder.
    Bytecode does not count.
    """
    found = []
    for name, facts in before.items():
        if "__pycache__" in name:
            continue
        if name not in after:
            found.append(f"'{name}' was removed")
        elif after[name] != facts:
            found.append(f"'{name}' was replaced")
    found += [
        f"'{name}' was added to NVIDIA's folder"
        for name in after.keys() - before.keys()
        if name.startswith(f"{NVIDIA}/") and "__pycache__" not in name
    ]
    return tuple(sorted(found))


def collisions(site_packages: Path) -> tuple[str, ...]:
    """Where NVIDIA's packages are not what their RECORDs say, or claim one file with two contents.

    That is how cuDNN 9 for CUDA 11 and for CUDA 12 break each other.
    """
    found = []
    owners: dict[str, tuple[str, str]] = {}
    for record in sorted(site_packages.glob(f"{NVIDIA}_*.dist-info/RECORD")):
        package = record.parent.name.removesuffix(".dist-info")
        for name, digest, size in _rows(record):
            if not name.startswith(f"{NVIDIA}/") or not digest:
                continue
            owner, known = owners.setdefault(name, (package, digest))
            if known != digest:
                found.append(f"'{name}' belongs to {owner} and, with other bytes, to {package}")
                continue
            file = site_packages / name
            if not file.is_file():
                found.append(f"'{name}' of {package} is missing")
            elif size and file.stat().st_size != int(size):
                found.append(f"'{name}' is not the one of {package}")
    return tuple(found)


def _rows(record: Path) -> Iterator[tuple[str, str, str]]:
    with record.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            if len(row) == 3:
                yield row[0], row[1], row[2]


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))
            else:
                yield entry
