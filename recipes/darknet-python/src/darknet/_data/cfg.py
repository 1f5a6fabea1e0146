"""What a ``.cfg`` says of classes and training, and whether it fits the data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from darknet._data.problem import Problem
from darknet._data.text import read_lines

HEADS = ("yolo", "region")
"""Sections that find objects."""
_MOST = {"yolo": 90, "region": 30}


@dataclass(frozen=True, slots=True)
class Section:
    """One ``[section]``: its name, its line, and its options with theirs."""

    name: str
    line: int
    options: dict[str, tuple[str, int]]

    def number(self, key: str, default: int) -> int:
        """An option as a whole number, as Darknet takes it where it is none."""
        text, _ = self.options.get(key, (str(default), 0))
        try:
            return int(float(text))
        except ValueError:
            return default

    def numbers(self, key: str) -> list[str]:
        """An option's values between its commas."""
        text, _ = self.options.get(key, ("", 0))
        return [part for part in text.split(",") if part]

    def place(self, key: str) -> int:
        """The line of an option, or of the section where the option is missing."""
        return self.options.get(key, ("", self.line))[1]


def read_cfg(path: Path) -> list[Section]:
    """The sections of a ``.cfg``, in order; an option that stands twice counts as it first did.

    Raises:
        DataError: it cannot be read.
    """
    sections: list[Section] = []
    for line in read_lines(path):
        if not line.text or line.text[0] in "#;":
            continue
        if line.text.startswith("["):
            sections.append(Section(line.text.strip("[]").strip().lower(), line.number, {}))
        elif sections:
            key, _, value = line.text.partition("=")
            short = "".join(value.split("#")[0].split())
            sections[-1].options.setdefault("".join(key.split()), (short, line.number))
    return sections


def class_count(sections: list[Section]) -> int | None:
    """How many classes the last detecting layer tells apart; None where there is none."""
    heads = [section for section in sections if section.name in HEADS]
    return heads[-1].number("classes", 20) if heads else None


def most_boxes(sections: list[Section]) -> int:
    """Boxes of one picture that training looks at."""
    heads = [section for section in sections if section.name in HEADS]
    return heads[-1].number("max", _MOST[heads[-1].name]) if heads else _MOST["yolo"]


def check_cfg(file: str, sections: list[Section], classes: int | None) -> Iterator[Problem]:
    """What does not fit in a ``.cfg`` for detection with this many classes."""
    if not sections or sections[0].name not in ("net", "network"):
        yield Problem.error(file, None, "cfg-net", "the first section is not [net]")
        return
    if not any(section.name in HEADS for section in sections):
        yield Problem.warning(
            file, None, "cfg-head", "no [yolo] or [region] section: this network finds no boxes"
        )
        return
    yield from _net_problems(file, sections[0])
    for before, head in pairwise(sections):
        if head.name not in HEADS:
            continue
        known = head.number("classes", 20)
        if classes is not None and known != classes:
            yield Problem.error(
                file,
                head.place("classes"),
                "cfg-classes",
                f"classes={known}, and the data set has {classes}",
                f"set classes={classes} here and filters in the layer before",
            )
        yield from _anchor_problems(file, head)
        want, formula = _filters(head, known if classes is None else classes)
        if before.name == "convolutional" and before.number("filters", 1) != want:
            yield Problem.error(
                file,
                before.place("filters"),
                "cfg-filters",
                f"filters={before.number('filters', 1)} before [{head.name}]",
                f"set filters={want}, {formula}",
            )


def _filters(head: Section, classes: int) -> tuple[int, str]:
    if head.name == "yolo":
        boxes = len(head.numbers("mask")) or head.number("num", 1)
        return boxes * (classes + 5), f"(classes + 5) x {boxes} masks"
    boxes, coords = head.number("num", 1), head.number("coords", 4)
    return boxes * (classes + coords + 1), f"(classes + coords + 1) x {boxes} anchors"


def _anchor_problems(file: str, head: Section) -> Iterator[Problem]:
    total = head.number("num", 1)
    anchors = head.numbers("anchors")
    if anchors and len(anchors) != 2 * total:
        yield Problem.error(
            file,
            head.place("anchors"),
            "cfg-anchors",
            f"{len(anchors)} numbers in anchors, and num={total} needs {2 * total}",
        )
    outside = [m for m in head.numbers("mask") if not m.isdecimal() or int(m) >= total]
    if outside:
        yield Problem.error(
            file,
            head.place("mask"),
            "cfg-anchors",
            f"mask {outside[0]} is no anchor: num={total}",
        )


def _net_problems(file: str, net: Section) -> Iterator[Problem]:
    for key in ("width", "height"):
        size = net.number(key, 0)
        if size <= 0 or size % 32:
            yield Problem.error(
                file, net.place(key), "cfg-size", f"{key}={size}", "a multiple of 32 is needed"
            )
    batch, parts = net.number("batch", 1), net.number("subdivisions", 1)
    if parts < 1 or batch < parts or batch % parts:
        yield Problem.error(
            file,
            net.place("batch"),
            "cfg-batch",
            f"batch={batch} cannot be cut into subdivisions={parts}",
        )
    elif batch == 1:
        yield Problem.warning(
            file,
            net.place("batch"),
            "cfg-batch",
            "batch=1 is meant for detecting",
            "for training: batch=64, subdivisions=16",
        )
