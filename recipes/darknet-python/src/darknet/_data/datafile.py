"""A ``.data`` file, and where Darknet looks for the files that it names."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darknet._data.text import Line, plain_path, read_lines
from darknet._paths import home

LISTS = ("train", "valid", "test")
"""Keys whose value is a list of pictures."""
FILES = ("names", "labels", "map", "tree", "leaves")
"""Keys whose value is another file."""
FOLDERS = ("backup", "results")
"""Keys whose value is a folder that Darknet writes into."""
PATHS = (*LISTS, *FILES, *FOLDERS)
KEYS = (*PATHS, "classes", "eval", "top", "tag", "hierarchy", "difficult")
"""Every key that some part of Darknet reads."""


@dataclass(frozen=True, slots=True)
class Entry:
    """``key = value`` on a line, paths without their quotes."""

    key: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class DataFile:
    """What a ``.data`` file says; of a key that stands twice Darknet takes the first.

    Attributes:
        path: The file.
        entries: In order, also those that Darknet does not look at.
        broken: Lines that are neither ``key = value`` nor a comment.
    """

    path: Path
    entries: tuple[Entry, ...]
    broken: tuple[Line, ...]

    def find(self, key: str) -> Entry | None:
        """The entry that counts, if there is one with a value."""
        return next((entry for entry in self.entries if entry.key == key and entry.value), None)

    def beside(self, name: str) -> str:
        """A relative path as it would be if it were meant from the folder of the .data file."""
        return os.path.join(self.path.parent, name)  # noqa: PTH118  # as written, "./" and all

    def seen_from(self, name: str, there: Callable[[str], bool]) -> Path | None:
        """The .data file's folder, or the nearest above it, from which a relative path is there."""
        folder = self.path.absolute().parent
        for start in (folder, *folder.parents):
            if there(os.path.join(start, name)):  # noqa: PTH118  # as written, "./" and all
                return start
        return None


def read_data_file(path: Path) -> DataFile:
    """Read a ``.data`` file.

    Raises:
        DataError: it cannot be read.
    """
    entries, broken = [], []
    for line in read_lines(path):
        if not line.text or line.text[0] in "#;":
            continue
        key, equals, value = line.text.partition("=")
        key = "".join(key.split())
        if not equals or not key or not value.strip():
            broken.append(line)
            continue
        shown = plain_path(value) if key in PATHS else "".join(value.split())
        entries.append(Entry(key, shown, line.number))
    return DataFile(path, tuple(entries), tuple(broken))


def find_input(name: str) -> Path | None:
    """A file that Darknet reads: from the current folder, else from what the package carries."""
    for place in (Path(name), Path(home(), name)):
        if place.is_file():
            return place
    return None
