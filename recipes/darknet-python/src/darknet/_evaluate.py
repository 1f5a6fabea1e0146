"""How good a network is: mean average precision over labelled pictures."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from darknet._names import names_of_data
from darknet._network import Network
from darknet._paths import find_file
from darknet._pixels import ImageError
from darknet._training_events import Skipped
from darknet._truth import Truth, listed_pictures, read_truth

if TYPE_CHECKING:
    from darknet._detections import Detections

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Flags = np.ndarray[Any, np.dtype[np.bool_]]
    PathName = str | os.PathLike[str]

Points = Literal[0, 11, 101]
_LEAST = 0.005
"""Detections less certain than this do not count, as in other Darknets."""


@dataclass(frozen=True)
class ClassScore:
    """How well one class is found.

    Attributes:
        label: Its name.
        objects: How many there are.
        average_precision: From 0 to 1; NaN where there is none of it.
        true_positives: Found, of those at least as certain as the threshold.
        false_positives: Detections of at least that certainty where there is none.
    """

    label: str
    objects: int
    average_precision: float
    true_positives: int
    false_positives: int


@dataclass(frozen=True)
class Evaluation:
    """How good a network is.

    Attributes:
        mean_average_precision: Mean over the classes of which there are objects; from 0 to 1.
        classes: Each class.
        pictures: How many were looked at.
        threshold: From which certainty on a detection counts for what follows.
        iou: From which overlap on an object is found.
        mean_iou: Mean overlap of the objects found at the threshold.
        skipped: Pictures that were left out: missing, damaged, or without a file of labels.
    """

    mean_average_precision: float
    classes: tuple[ClassScore, ...]
    pictures: int
    threshold: float
    iou: float
    mean_iou: float
    skipped: tuple[Skipped, ...] = ()

    @property
    def precision(self) -> float:
        """The part of the detections that is right; NaN where there is none."""
        found = sum(one.true_positives for one in self.classes)
        return _part(found, found + sum(one.false_positives for one in self.classes))

    @property
    def recall(self) -> float:
        """The part of the objects that is found; NaN where there is none."""
        found = sum(one.true_positives for one in self.classes)
        return _part(found, sum(one.objects for one in self.classes))

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; NaN where nothing is and nothing was found."""
        found = sum(one.true_positives for one in self.classes)
        wrong = sum(one.false_positives for one in self.classes)
        return _part(2 * found, found + wrong + sum(one.objects for one in self.classes))


def evaluate(
    data: PathName,
    cfg: PathName,
    weights: PathName,
    *,
    key: Literal["train", "valid", "test"] = "valid",
    threshold: float = 0.25,
    iou: float = 0.5,
    nms: float = 0.45,
    points: Points = 0,
) -> Evaluation:
    """Compare what a network finds in the pictures of a .data file with their labels.

    A picture that is missing, damaged or without a file of labels is left out, as training does.

    Args:
        data: The .data file, with ``names`` and the list that `key` names.
        cfg: The network.
        weights: What it has learnt.
        key: Which list of pictures.
        threshold: Certainty for precision, recall and counts; the mean average precision looks at
            all detections from 0.005 on.
        iou: How much of a box must overlap (intersection over union) to be right.
        nms: As in `Network.detect`.
        points: How the area below precision over recall is taken: 0 exactly, 11 as PASCAL VOC 2007
            does, 101 as COCO does.

    Raises:
        FileNotFoundError: a file is not there.
        NetworkError: Darknet cannot make a network of the files.
        ValueError: no picture can be used, a line of labels is wrong, or a number is out of its
            range.
    """
    if points not in (0, 11, 101):
        raise ValueError(f"points is {points}: 0, 11 or 101")
    if not 0 < iou < 1 or not 0 <= threshold <= 1:
        raise ValueError(f"iou is {iou}, threshold {threshold}: both lie between 0 and 1")
    path = Path(os.fsdecode(find_file(data)))
    names = names_of_data(path)
    pictures = listed_pictures(path, key)
    marks = [_Marks() for _ in names]
    skipped: dict[int, Skipped] = {}
    coming: deque[tuple[int, Truth]] = deque()

    def labelled() -> Iterator[str]:
        for number, picture in enumerate(pictures):
            try:
                coming.append((number, read_truth(picture)))
            except FileNotFoundError as error:
                skipped[number] = Skipped(Path(picture), str(error))
            else:
                yield picture

    with Network(cfg, weights, names=names) as network:
        for outcome in network.look_through(labelled(), _LEAST, nms):
            number, truth = coming.popleft()
            if isinstance(outcome, (FileNotFoundError, ImageError)):
                skipped[number] = Skipped(Path(pictures[number]), str(outcome))
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                _mark(marks, truth, *outcome, iou)
    if len(skipped) == len(pictures):
        raise ValueError(
            f"none of the {len(pictures)} pictures can be used; the first: {skipped[0].reason}"
        )
    scored = _sum_up(marks, names, len(pictures) - len(skipped), threshold, iou, points)
    return replace(scored, skipped=tuple(skipped[number] for number in sorted(skipped)))


def average_precision(confidences: Floats, right: Flags, objects: int, points: Points = 0) -> float:
    """The area below precision over recall.

    Args:
        confidences: n certainties of detections, in any order.
        right: n flags: whether each found an object that no more certain one found.
        objects: How many there are to find.
        points: 0 for the exact area, or at how many values of recall precision is taken.
    """
    if not objects:
        return float("nan")
    if not len(confidences):
        return 0.0
    hits = np.cumsum(right[np.argsort(-confidences, kind="stable")])
    recall = hits / objects
    precision = hits / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    if not points:
        return float(np.sum(np.diff(recall, prepend=0.0) * best))
    at = np.searchsorted(recall, np.linspace(0, 1, points) - 1e-9)
    return float(np.mean(np.append(best, 0.0)[at]))


class _Marks:
    """All detections of one class, each right or wrong."""

    def __init__(self) -> None:
        self.objects = 0
        self.confidences: list[float] = []
        self.right: list[bool] = []
        self.overlaps: list[float] = []

    def add(self, boxes: Floats, confidences: Iterable[float], truth: Floats, iou: float) -> None:
        """The detections in a picture, most certain first, against its objects of this class."""
        self.objects += len(truth)
        taken = np.zeros(len(truth), dtype=bool)
        for box, confidence in zip(boxes, confidences, strict=True):
            overlaps = overlap(box, truth)
            best = int(np.argmax(overlaps)) if len(truth) else -1
            hit = best >= 0 and overlaps[best] >= iou and not taken[best]
            if hit:
                taken[best] = True
            self.confidences.append(float(confidence))
            self.right.append(bool(hit))
            self.overlaps.append(float(overlaps[best]) if hit else 0.0)


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of a box (left, top, right, bottom) with n others, n x 4."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    both = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1) - shared
    result: Floats = shared / np.maximum(both, 1e-12)
    return result


def _mark(
    marks: list[_Marks], truth: Truth, found: Detections, size: tuple[int, int], iou: float
) -> None:
    scale = np.array([*size, *size], dtype=np.float64)
    half = truth.boxes[:, 2:] / 2
    corners = np.concatenate([truth.boxes[:, :2] - half, truth.boxes[:, :2] + half], axis=1)
    for class_id, one in enumerate(marks):
        mine = found.class_ids == class_id
        boxes = found.boxes[mine].astype(np.float64) / scale
        one.add(boxes, found.confidences[mine], corners[truth.class_ids == class_id], iou)


def _sum_up(
    marks: list[_Marks],
    names: tuple[str, ...],
    pictures: int,
    threshold: float,
    iou: float,
    points: Points,
) -> Evaluation:
    scores, overlaps = [], []
    for name, one in zip(names, marks, strict=True):
        confidences = np.array(one.confidences, dtype=np.float64)
        right = np.array(one.right, dtype=bool)
        sure = confidences >= threshold
        overlaps += [value for value, use in zip(one.overlaps, sure & right, strict=True) if use]
        scores.append(
            ClassScore(
                label=name,
                objects=one.objects,
                average_precision=average_precision(confidences, right, one.objects, points),
                true_positives=int(np.sum(sure & right)),
                false_positives=int(np.sum(sure & ~right)),
            )
        )
    known = [score.average_precision for score in scores if score.objects]
    return Evaluation(
        mean_average_precision=float(np.mean(known)) if known else float("nan"),
        classes=tuple(scores),
        pictures=pictures,
        threshold=threshold,
        iou=iou,
        mean_iou=float(np.mean(overlaps)) if overlaps else float("nan"),
    )


def _part(some: int, of: int) -> float:
    return some / of if of else float("nan")
