"""What `check` says of the ``.data`` file itself, its names, its backup folder, and paths."""

from __future__ import annotations

import difflib
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from darknet._data.datafile import KEYS, DataFile, find_input
from darknet._data.folders import Folders
from darknet._data.problem import Problem
from darknet._data.text import DataError, read_lines

_DRIVE = Path("/content/drive")


def key_problems(data: DataFile) -> Iterator[Problem]:
    """Lines that say nothing, keys nobody reads or that stand twice, and what is missing."""
    file = str(data.path)
    for line in data.broken:
        yield Problem.error(
            file, line.number, "data-line", f"not a line of the form key = value: {line.text}"
        )
    first: dict[str, int] = {}
    for entry in data.entries:
        if entry.key in first:
            yield Problem.warning(
                file,
                entry.line,
                "data-twice",
                f"{entry.key} stands in line {first[entry.key]} already",
                "the first one counts",
            )
        elif entry.key not in KEYS:
            near = difflib.get_close_matches(entry.key, KEYS, 1)
            yield Problem.warning(
                file,
                entry.line,
                "data-key",
                f"Darknet reads no key {entry.key}",
                f"{near[0]}?" if near else "",
            )
        first.setdefault(entry.key, entry.line)
    for key in ("train", "names"):
        if data.find(key) is None:
            yield Problem.error(file, None, "data-missing", f"no line {key} = FILE")


def class_number(data: DataFile) -> int | None:
    """The number of classes, where the file has one."""
    entry = data.find("classes")
    return int(entry.value) if entry and entry.value.isdecimal() and entry.value.isascii() else None


def name_problems(data: DataFile, classes: int | None) -> tuple[tuple[str, ...], list[Problem]]:
    """The classes' names, and whether they are as many as the classes."""
    problems = []
    file = str(data.path)
    stated = data.find("classes")
    if stated is None:
        problems.append(Problem.warning(file, None, "data-classes", "no line classes = NUMBER"))
    elif not classes:
        problems.append(
            Problem.error(
                file, stated.line, "data-classes", f"classes = {stated.value} is no number above 0"
            )
        )
    entry = data.find("names")
    if entry is None:
        return (), problems
    found = find_input(entry.value)
    if found is None:
        hint = missing_hint(entry.value, data, Folders())
        problems.append(
            Problem.error(file, entry.line, "names-missing", f"names: no file {entry.value}", hint)
        )
        return (), problems
    try:
        lines = read_lines(found)
    except DataError as error:
        return (), [*problems, Problem.error(file, entry.line, "unreadable", str(error))]
    while lines and not lines[-1].text:
        lines.pop()
    names = tuple(line.text for line in lines)
    for line in lines:
        if not line.text or names.index(line.text) != line.number - 1:
            wrong = f"the name {line.text} stands twice" if line.text else "a class with no name"
            problems.append(Problem.warning(str(found), line.number, "names-line", wrong))
    if classes and len(names) != classes:
        problems.append(
            Problem.error(
                str(found),
                None,
                "names-count",
                f"{len(names)} names, and {file} says classes = {classes}",
            )
        )
    return names, problems


def backup_problems(data: DataFile) -> Iterator[Problem]:
    """Whether weights can be written; tried with a file that goes at once."""
    entry = data.find("backup")
    folder = Path(entry.value if entry else "/backup/")
    hint = f"mkdir -p {shlex.quote(str(folder))}"
    if entry is None:
        message, hint = "no line backup = FOLDER: weights would go to /backup/", ""
    elif not folder.is_dir():
        message = f"backup: no folder {folder}"
        if not folder.is_absolute() and (start := data.seen_from(str(folder), os.path.isdir)):
            hint = _start_in(start, str(folder))
        hint = _not_mounted(folder) or hint
    else:
        try:
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".darknet-check-") as file:
                file.write(b"darknet")
                file.flush()
        except OSError as error:
            message, hint = f"backup: {folder} cannot be written to: {error.strerror}", ""
        else:
            return
    yield Problem.error(str(data.path), entry.line if entry else None, "backup", message, hint)


def missing_hint(path: str, data: DataFile, folders: Folders) -> str:
    """Why a file is not there, as far as that can be told."""
    other = folders.alike(path)
    if other is not None:
        return f"there is {other}: capitals or accents differ"
    if not os.path.isabs(path) and (start := data.seen_from(path, folders.has)):  # noqa: PTH117 -- text, as Darknet has it
        return _start_in(start, path)
    if "\\" in path:
        return "folders are parted by /, not by \\"
    return _not_mounted(Path(path))


def _start_in(folder: Path, path: str) -> str:
    return (
        f"there is {folder / path}, but Darknet looks from the current folder: "
        f"start it in {shlex.quote(str(folder))}, or write whole paths"
    )


def _not_mounted(path: Path) -> str:
    return "Drive is not mounted" if _DRIVE in path.parents and not _DRIVE.is_dir() else ""
