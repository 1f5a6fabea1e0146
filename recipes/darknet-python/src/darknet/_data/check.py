"""``darknet data check``: everything that is wrong with a data set, before a training starts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from darknet._data.cfg import check_cfg, class_count, most_boxes, read_cfg
from darknet._data.datafile import DataFile, find_input, read_data_file
from darknet._data.folders import Folders
from darknet._data.labels import label_path, read_labels, why_elsewhere
from darknet._data.parts import (
    backup_problems,
    class_number,
    key_problems,
    missing_hint,
    name_problems,
)
from darknet._data.pictures import PictureError, cut_short, read_header
from darknet._data.problem import Problem, Report
from darknet._data.progress import Progress
from darknet._data.text import DataError, plain_path, read_lines

_CHUNK = 32
_CHECKED_LISTS = ("train", "valid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to check.

    Attributes:
        cfg: The ``.cfg`` that must fit, if there is one.
        open_pictures: Whether to read the beginning of each picture.
        decode: Says why a picture cannot be decoded; None decodes none.
        jobs: Files looked at at once.
    """

    cfg: Path | None = None
    open_pictures: bool = True
    decode: Callable[[str], str] | None = None
    jobs: int = 16


@dataclass(frozen=True, slots=True)
class _Item:
    """A picture on a line of a list."""

    key: str
    file: str
    line: int
    picture: str


@dataclass(frozen=True, slots=True)
class _Job:
    """What all pictures are checked against."""

    data: DataFile
    folders: Folders
    options: Options
    classes: int | None
    most: int


def check_data(path: Path, options: Options) -> Report:
    """Check a data set; relative paths are looked for as Darknet does, from the current folder.

    Errors of single files are problems in the report; nothing is written, but for a file in the
    backup folder that goes at once.
    """
    report = Report(data=str(path), decoded=options.decode is not None)
    try:
        data = read_data_file(find_input(str(path)) or path)
    except DataError as error:
        report.problems.append(_unreadable(str(path), None, error))
        return report
    report.problems += key_problems(data)
    classes, most = _settings(data, options.cfg, report)
    report.problems += backup_problems(data)
    items: list[_Item] = []
    for key in _CHECKED_LISTS:
        items += _read_list(data, key, report)
    report.problems += _in_both(items)
    job = _Job(data, Folders(), options, classes, most)
    boxes = _check_items(items, job, report)
    report.boxes = dict(sorted(boxes.items()))
    report.problems += _class_problems(data, classes, report)
    return report


def _settings(data: DataFile, cfg: Path | None, report: Report) -> tuple[int | None, int]:
    """How many classes there are, and how many boxes of a picture count."""
    classes = class_number(data)
    names, problems = name_problems(data, classes)
    report.names = names
    report.problems += problems
    if classes is None and names:
        classes = len(names)
    most = most_boxes([])
    if cfg is not None:
        try:
            sections = read_cfg(find_input(str(cfg)) or cfg)
        except DataError as error:
            report.problems.append(_unreadable(str(cfg), None, error))
            return classes, most
        report.problems += check_cfg(str(cfg), sections, classes)
        classes = class_count(sections) if classes is None else classes
        most = most_boxes(sections)
    return classes, most


def _read_list(data: DataFile, key: str, report: Report) -> Iterator[_Item]:
    """The pictures of a list, each once."""
    entry = data.find(key)
    if entry is None:
        return
    found = find_input(entry.value)
    if found is None:
        report.problems.append(
            Problem.error(
                str(data.path),
                entry.line,
                "list-missing",
                f"{key}: no file {entry.value}",
                missing_hint(entry.value, data, Folders()),
            )
        )
        return
    try:
        lines = read_lines(found)
    except DataError as error:
        report.problems.append(_unreadable(str(data.path), entry.line, error))
        return
    seen: dict[str, int] = {}
    for line in lines:
        picture = plain_path(line.text)
        if picture in seen:
            message = f"the same picture as line {seen[picture]}: {picture}"
            report.problems.append(Problem.warning(str(found), line.number, "list-twice", message))
        elif picture:
            seen[picture] = line.number
            yield _Item(key, str(found), line.number, picture)
    report.pictures[key] = len(seen)
    if not seen:
        report.problems.append(Problem.error(str(found), None, "list-empty", "no picture"))


def _in_both(items: list[_Item]) -> Iterator[Problem]:
    trained = {item.picture: item for item in items if item.key == "train"}
    for item in items:
        if item.key != "train" and item.picture in trained:
            other = trained[item.picture]
            yield Problem.warning(
                item.file,
                item.line,
                "list-both",
                f"trained with as well: {item.picture}",
                f"{other.file}:{other.line}",
            )


def _check_items(items: list[_Item], job: _Job, report: Report) -> Counter[int]:
    """Look at each picture and its label file; the boxes of the training pictures by class."""
    unique = list({item.picture: item for item in reversed(items)}.values())[::-1]
    paths = [item.picture for item in unique]
    job.folders.read([*paths, *map(label_path, paths)], job.options.jobs)
    progress = Progress("checked", len(unique))
    boxes: Counter[int] = Counter()

    def run(chunk: list[_Item]) -> list[tuple[_Item, list[Problem], Counter[int]]]:
        done = []
        for item in chunk:
            done.append((item, *_check_item(item, job)))
            progress.add()
        return done

    chunks = [unique[at : at + _CHUNK] for at in range(0, len(unique), _CHUNK)]
    pool = ThreadPoolExecutor(job.options.jobs)
    try:
        for chunk in pool.map(run, chunks):
            for item, problems, found in chunk:
                report.problems += problems
                if item.key == "train":
                    boxes += found
    finally:
        pool.shutdown(cancel_futures=True)
        progress.close()
    return boxes


def _check_item(item: _Item, job: _Job) -> tuple[list[Problem], Counter[int]]:
    if not job.folders.has(item.picture):
        hint = missing_hint(item.picture, job.data, job.folders)
        missing = Problem.error(
            item.file, item.line, "picture-missing", f"no picture {item.picture}", hint
        )
        return [missing], Counter()
    problems = list(_picture_problems(item, job.options))
    label = label_path(item.picture)
    if not label.endswith(".txt"):
        problems.append(
            Problem.error(
                item.file,
                item.line,
                "label-name",
                f"Darknet knows no label file for {item.picture}",
                "let its name end in .jpg, .png, .JPG or .JPEG",
            )
        )
        return problems, Counter()
    if not job.folders.has(label):
        problems.append(_no_label(item, label, job.folders))
        return problems, Counter()
    try:
        labels = read_labels(label, job.classes, job.most)
    except DataError as error:
        return [*problems, _unreadable(item.file, item.line, error)], Counter()
    return [*problems, *labels.problems], labels.boxes


def _picture_problems(item: _Item, options: Options) -> Iterator[Problem]:
    def problem(message: str) -> Problem:
        return Problem.error(
            item.file, item.line, "picture-unreadable", f"{item.picture}: {message}"
        )

    if not options.open_pictures:
        return
    try:
        header = read_header(Path(item.picture))
        if options.decode is not None:
            if cut_short(Path(item.picture), header.kind):
                yield problem("its end is missing")
            elif reason := options.decode(item.picture):
                yield problem(f"cannot be decoded: {reason}")
    except PictureError as error:
        yield problem(str(error))
    except OSError as error:
        yield problem(f"cannot be read: {error.strerror}")


def _no_label(item: _Item, label: str, folders: Folders) -> Problem:
    beside = os.path.splitext(item.picture)[0] + ".txt"  # noqa: PTH122 -- text, as Darknet has it
    other = folders.alike(label)
    if other is not None:
        hint = f"there is {other}: capitals or accents differ"
    elif beside != label and folders.has(beside):
        hint = f"there is {beside}, but {why_elsewhere(item.picture)}"
    else:
        hint = "a picture with nothing in it needs an empty file"
    return Problem(
        severity="error" if item.key == "train" else "warning",
        kind="label-missing",
        file=item.file,
        line=item.line,
        message=f"no label file {label} for {item.picture}",
        hint=hint,
    )


def _class_problems(data: DataFile, classes: int | None, report: Report) -> Iterator[Problem]:
    """What the classes of all boxes together tell."""
    if classes is None or not report.boxes:
        return
    lone = Problem.warning(str(data.path), None, "class-unused", "")
    beyond = f"class {classes} does not exist"
    if 0 not in report.boxes and any(p.message == beyond for p in report.problems):
        yield replace(
            lone,
            kind="class-from-1",
            message=f"no box of class 0, and some of class {classes}, which does not exist",
            hint="are classes counted from 1?",
        )
        return
    for number in range(classes):
        if number not in report.boxes:
            name = f" ({report.names[number]})" if number < len(report.names) else ""
            yield replace(lone, message=f"no box of class {number}{name} to train with")


def _unreadable(file: str, line: int | None, error: DataError) -> Problem:
    return Problem.error(file, line, "unreadable", str(error))
