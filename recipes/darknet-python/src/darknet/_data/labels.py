"""Label files: where Darknet looks for them, and what they must hold.

One object a line: the class, counted from 0, then the centre, width and height of its box as
parts of the picture's width and height.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from darknet._data.problem import Problem
from darknet._data.text import Line, read_lines

_REPLACED = (
    ("images", "labels"),
    ("JPEGImages", "labels"),
    ("raw", "labels"),
    (".jpg", ".txt"),
    (".png", ".txt"),
    (".JPG", ".txt"),
    (".JPEG", ".txt"),
)
"""What Darknet replaces in a picture's path, in this order, each once: fill_truth_detection()."""
MARKED_WORDS = tuple(word for word, _ in _REPLACED)
SMALLEST = 0.001
"""Boxes less wide or high than this are left out in training."""
_SLACK = 1e-3


@dataclass(frozen=True, slots=True)
class Labels:
    """What a label file says: boxes by class, and what is wrong with it."""

    boxes: Counter[int]
    problems: tuple[Problem, ...]


def label_path(picture: str) -> str:
    """The label file that Darknet reads for a picture."""
    path = picture
    for old, new in _REPLACED:
        path = path.replace(old, new, 1)
    return path


def why_elsewhere(picture: str) -> str:
    """What Darknet's rule does to a path other than changing its end."""
    folder = os.path.dirname(picture)  # noqa: PTH120 -- text, as Darknet has it
    done = [f"{old!r} to {new!r}" for old, new in _REPLACED if old in folder]
    return f"Darknet changes {', '.join(done)} in the path" if done else ""


def read_labels(file: str, classes: int | None, most: int) -> Labels:
    """Read and check one label file.

    Args:
        file: Its path.
        classes: How many classes there are; None where that is not known.
        most: Boxes of one picture that training looks at.

    Raises:
        DataError: it cannot be read.
    """
    boxes: Counter[int] = Counter()
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line in read_lines(Path(file)):
        fields = line.text.split()
        if not fields:
            continue
        text = " ".join(fields)
        if text in seen:
            problems.append(
                Problem.warning(
                    file, line.number, "label-twice", f"the same box as in line {seen[text]}"
                )
            )
        seen.setdefault(text, line.number)
        found = list(_problems(file, line, fields, classes))
        problems += found
        if not any(problem.severity == "error" for problem in found):
            boxes[int(fields[0])] += 1
    if not seen:
        problems.append(
            Problem.warning(
                file, None, "label-empty", "no box: trained as a picture with nothing in it"
            )
        )
    if boxes.total() > most:
        problems.append(
            Problem.warning(
                file,
                None,
                "label-many",
                f"{boxes.total()} boxes, of which training sees {most}",
                "raise max= in the [yolo] sections of the .cfg",
            )
        )
    return Labels(boxes, tuple(problems))


def _problems(file: str, line: Line, fields: list[str], classes: int | None) -> Iterator[Problem]:
    """What is wrong with one line; Darknet reads nothing after a field it cannot read."""
    if len(fields) != 5:
        hint = "write: class x y width height"
        yield Problem.error(
            file, line.number, "label-fields", f"{len(fields)} fields instead of 5", hint
        )
        return
    name, *texts = fields
    if not name.removeprefix("-").isdecimal() or not name.isascii():
        yield Problem.error(
            file,
            line.number,
            "label-class",
            f"class {name!r} is not a whole number",
            "Darknet stops reading the file here",
        )
        return
    number = int(name)
    if number < 0 or (classes is not None and number >= classes):
        known = "classes count from 0" if classes is None else f"there are 0 to {classes - 1}"
        yield Problem.error(
            file, line.number, "label-class", f"class {number} does not exist", known
        )
    values = [_number(text) for text in texts]
    unread = [text for text, value in zip(texts, values, strict=True) if value is None]
    if unread:
        hint = "use a decimal point" if "," in unread[0] else ""
        yield Problem.error(
            file, line.number, "label-number", f"{unread[0]!r} is not a number", hint
        )
        return
    yield from _box_problems(file, line, [value for value in values if value is not None])


def _box_problems(file: str, line: Line, values: list[float]) -> Iterator[Problem]:
    x, y, width, height = values
    shown = " ".join(f"{value:g}" for value in values)
    if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < width <= 1 and 0 < height <= 1):
        pixels = any(value > 2 for value in values)
        hint = (
            "pixels? divide by the picture's width and height"
            if pixels
            else ("all four are parts of the picture, from 0 to 1")
        )
        yield Problem.error(
            file, line.number, "label-range", f"box {shown} lies outside 0 to 1", hint
        )
    elif x == 0 and y == 0:
        yield Problem.warning(
            file, line.number, "label-corner", "a centre at 0 0 means no box to Darknet"
        )
    elif width < SMALLEST or height < SMALLEST:
        yield Problem.warning(
            file,
            line.number,
            "label-small",
            f"box {shown} is too small to be trained",
            f"width and height count from {SMALLEST}",
        )
    elif max(width / 2 - min(x, 1 - x), height / 2 - min(y, 1 - y)) > _SLACK:
        yield Problem.warning(
            file,
            line.number,
            "label-edge",
            f"box {shown} reaches out of the picture",
            "Darknet cuts it off at the edge",
        )


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
