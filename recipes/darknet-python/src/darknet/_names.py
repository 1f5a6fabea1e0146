"""The names of classes, wherever they stand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from darknet._data.datafile import find_input, read_data_file
from darknet._data.text import DataError, read_lines
from darknet._paths import find_file


def read_names(names: str | os.PathLike[str] | Sequence[str]) -> tuple[str, ...]:
    """Class names from a file with one a line, through a ``.data`` file, or as they are given.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file cannot be read, or the ``.data`` file names none.
    """
    if not isinstance(names, (str, os.PathLike)):
        return tuple(names)
    path = Path(os.fsdecode(find_file(names)))
    return names_of_data(path) if path.suffix == ".data" else _lines(path)


def names_of_data(path: Path) -> tuple[str, ...]:
    """The names that a ``.data`` file leads to.

    Raises:
        FileNotFoundError: they are not there.
        ValueError: a file cannot be read, or the ``.data`` file names none.
    """
    try:
        data = read_data_file(path)
    except DataError as error:
        raise ValueError(str(error)) from None
    entry = data.find("names") or data.find("labels")
    if entry is None:
        raise ValueError(f"{path} has no line names = FILE")
    found = find_input(entry.value)
    if found is None:
        raise FileNotFoundError(f"{path}:{entry.line}: names: no file {entry.value}")
    return _lines(found)


def _lines(path: Path) -> tuple[str, ...]:
    try:
        lines = [line.text for line in read_lines(path)]
    except DataError as error:
        raise ValueError(str(error)) from None
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)
