"""Put unpacked packages together into one prefix, by the rules of a pin file."""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from builder.errors import ToolchainError


def patterns(place: Mapping[str, str]) -> tuple[str, ...]:
    """The fnmatch patterns of what must be unpacked so that ``place`` can be carried out."""
    found: list[str] = []
    for source in place:
        found += [_escape(source), f"{_escape(source)}/*"]
    return tuple(found)


def _escape(text: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in text)


def put(
    stage: Path, prefix: Path, place: Mapping[str, str], *, drop: Iterable[str], name: str
) -> None:
    """Move what ``place`` names from an unpacked package into the prefix.

    Folders are merged. A file that is there already is an error: two packages would be fighting.
    A later rule of the same package may replace a file of an earlier one, when it names that file.

    Raises:
        ToolchainError: a named thing is not in the package, or a file is there already.
    """
    for pattern in drop:
        for path in sorted(stage.rglob("*"), reverse=True):
            if fnmatch.fnmatchcase(path.relative_to(stage).as_posix(), pattern):
                _remove(path)
    for source, destination in place.items():
        found = stage / source
        target = prefix / destination
        if found.is_symlink() or found.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            found.replace(target)
        elif found.is_dir():
            _merge(found, target, name=name)
        else:
            raise ToolchainError(f"{name}: there is no '{source}' in it, which its pin file names")


def _merge(source: Path, target: Path, *, name: str) -> None:
    if not os.path.lexists(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        return
    if not source.is_dir() or source.is_symlink() or not target.is_dir():
        raise ToolchainError(f"{name}: '{target.name}' is there already, from another package")
    for entry in sorted(source.iterdir()):
        _merge(entry, target / entry.name, name=name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def make_executable(folder: Path) -> None:
    """Set the executable bits of every regular file directly in ``folder`` that is a program."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                head = file.read(4)
            if head == b"\x7fELF" or head.startswith(b"#!"):
                path.chmod(0o755)
