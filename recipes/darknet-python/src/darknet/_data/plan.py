"""What `darknet data localise` would copy, and the files it would write; nothing is done yet."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from darknet._data.datafile import FILES, FOLDERS, LISTS, DataFile, find_input
from darknet._data.folders import Folders
from darknet._data.labels import MARKED_WORDS, label_path
from darknet._data.text import DataError, plain_path, read_lines, written_path

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """One file to copy."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Text:
    """One file to write."""

    target: Path
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of it.

    Attributes:
        data: The new ``.data`` file, written last.
        copies: Pictures, their label files, names.
        texts: The lists, then the ``.data`` file.
        missing: For each picture that cannot be used: itself, or its label file, is not there.
        backup: Where weights go: the folder of the original.
    """

    data: Path
    copies: tuple[Copy, ...]
    texts: tuple[Text, ...]
    missing: tuple[str, ...]
    backup: Path


def make_plan(data: DataFile, to: Path, jobs: int) -> Plan:
    """Say what must be copied to the folder `to` so that training needs nothing else.

    Raises:
        DataError: a list or another file is missing, two files would end in one place, or
            Darknet could not derive label files in `to`.
    """
    to = Path(_whole(str(to)))
    marked = [word for word in MARKED_WORDS if word in str(to)]
    if marked:
        raise DataError(
            f"{to} cannot be the folder: Darknet looks for label files where {marked[0]!r} in a "
            "path is replaced; choose one without"
        )
    if (to / data.path.name).resolve() == data.path.resolve():
        raise DataError(f"{to} holds the data set itself: choose another folder")
    lists = {key: _read_list(data, key) for key in LISTS if data.find(key)}
    if not any(lists.values()):
        raise DataError(f"{data.path} names no picture: it has no train = or valid = list")
    pictures = list(dict.fromkeys(picture for found in lists.values() for picture in found))
    local = _local_names(pictures, to)
    copies, missing, gone = _copies(pictures, set(lists.get("train", ())), local, jobs)
    texts = []
    values: dict[str, str] = {}
    for key, found in lists.items():
        kept = [written_path(str(local[picture])) for picture in found if picture not in gone]
        target = to / f"{data.path.stem}.{key}.list"  # .list: no label file is called that
        texts.append(Text(target, "".join(f"{line}\n" for line in kept)))
        values[key] = str(target)
    others = _other_files(data, to)
    values |= {key: str(copy.target) for key, copy in others.items()}
    values |= {key: _whole(entry.value) for key in FOLDERS if (entry := data.find(key))}
    backup = values.setdefault("backup", _whole(data.beside("backup")))
    texts.append(Text(to / data.path.name, _data_text(data, values)))
    copies += others.values()
    _refuse_clashes(copies, texts)
    return Plan(
        data=to / data.path.name,
        copies=tuple(copies),
        texts=tuple(texts),
        missing=tuple(missing),
        backup=Path(backup),
    )


def _read_list(data: DataFile, key: str) -> list[str]:
    entry = data.find(key)
    assert entry is not None
    found = find_input(entry.value)
    if found is None:
        raise DataError(
            f"{data.path}:{entry.line}: {key}: no file {entry.value}; "
            f"`darknet data check {data.path}` says more"
        )
    return [path for line in read_lines(found) if (path := plain_path(line.text))]


def _local_names(pictures: Iterable[str], to: Path) -> dict[str, Path]:
    """Where each picture goes: the same folders below what they have in common."""
    whole = {picture: _whole(picture) for picture in pictures}
    root = os.path.commonpath([os.path.dirname(path) for path in whole.values()])  # noqa: PTH120 -- text, as Darknet has it
    return {picture: to / os.path.relpath(path, root) for picture, path in whole.items()}


def _copies(
    pictures: list[str], trained: set[str], local: dict[str, Path], jobs: int
) -> tuple[list[Copy], list[str], set[str]]:
    """Pictures with their label files, files that are not there, and the pictures they spoil.

    Only training needs label files; of other pictures they are copied where there are some.
    """
    folders = Folders()
    folders.read([*pictures, *map(label_path, pictures)], jobs)
    copies: dict[Copy, None] = {}
    missing: dict[str, str] = {}
    for picture in pictures:
        label, target = label_path(picture), local[picture]
        if not folders.has(picture):
            missing[picture] = picture
        elif label.endswith(".txt") and folders.has(label):
            copies[Copy(Path(_whole(picture)), target)] = None
            copies[Copy(Path(_whole(label)), Path(label_path(str(target))))] = None
        elif picture in trained:
            missing[picture] = label
        else:
            copies[Copy(Path(_whole(picture)), target)] = None
    return list(copies), list(missing.values()), set(missing)


def _other_files(data: DataFile, to: Path) -> dict[str, Copy]:
    """Names, maps and trees, by their key."""
    found = {}
    for key in FILES:
        entry = data.find(key)
        if entry is None:
            continue
        source = find_input(entry.value)
        if source is None:
            raise DataError(f"{data.path}:{entry.line}: {key}: no file {entry.value}")
        found[key] = Copy(Path(_whole(str(source))), to / f"{data.path.stem}.{key}")
    return found


def _data_text(data: DataFile, values: dict[str, str]) -> str:
    """The new .data file: every key of the old one once, paths that hold from any folder."""
    kept = {entry.key: data.find(entry.key) for entry in data.entries}
    lines = {key: entry.value for key, entry in kept.items() if entry is not None}
    lines |= {key: written_path(value) for key, value in values.items()}
    return "".join(f"{key} = {value}\n" for key, value in lines.items())


def _refuse_clashes(copies: list[Copy], texts: list[Text]) -> None:
    taken: dict[Path, Path] = {text.target: text.target for text in texts}
    for copy in copies:
        other = taken.setdefault(copy.target, copy.source)
        if other != copy.source:
            raise DataError(
                f"{other} and {copy.source} would both become {copy.target}: rename one of them"
            )


def some(names: Iterable[str]) -> str:
    """The first few, and how many more."""
    all_names = list(names)
    more = len(all_names) - _SHOWN
    return "\n".join(f"  {name}" for name in all_names[:_SHOWN]) + (
        f"\n  ... and {more:,} more" if more > 0 else ""
    )


def _whole(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100  # "..": as written, not through links
