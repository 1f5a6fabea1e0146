"""What a network finds: objects with names, or arrays of numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet._structs import DETECTION

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]
    Integers = np.ndarray[Any, np.dtype[np.int64]]
    Boxes = ctypes._Pointer[DETECTION]


@dataclass(frozen=True)
class Detection:
    """One object that was found.

    Attributes:
        label: The class's name; its number as text where the network was given no names.
        class_id: The class, counted from 0 in the order of the network's names.
        confidence: From 0 to 1.
        box: Left, top, right, bottom in pixels of the given image, never outside it.
    """

    label: str
    class_id: int
    confidence: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Detections:
    """All objects that were found in an image, most certain first, as arrays of one length n.

    Attributes:
        class_ids: n, int64: the classes, counted from 0.
        confidences: n, float32, from 0 to 1.
        boxes: n x 4, float32: left, top, right, bottom in pixels of the given image.
    """

    class_ids: Integers
    confidences: Floats
    boxes: Floats

    def __len__(self) -> int:
        return len(self.class_ids)

    def named(self, names: Sequence[str] | None) -> list[Detection]:
        """The same as objects, with the names of their classes."""
        rows = zip(self.class_ids.tolist(), self.confidences.tolist(), self.boxes, strict=True)
        return [
            Detection(
                label=names[number] if names else str(number),
                class_id=number,
                confidence=confidence,
                box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            )
            for number, confidence, box in rows
        ]


def collect(found: Boxes, count: int, width: int, height: int) -> Detections:
    """Darknet's own structures as arrays, their boxes cut off at the image's edges."""
    rows: list[tuple[float, float, float, float]] = []
    class_ids, confidences = [], []
    for one in found[:count]:
        chances = one.prob[: one.classes]
        centre = one.bbox
        box = (
            centre.x - centre.w / 2,
            centre.y - centre.h / 2,
            centre.x + centre.w / 2,
            centre.y + centre.h / 2,
        )
        for class_id, confidence in enumerate(chances):
            if confidence > 0:
                rows.append(box)
                class_ids.append(class_id)
                confidences.append(confidence)
    boxes = np.array(rows, dtype=np.float32).reshape(-1, 4)
    certain = np.array(confidences, dtype=np.float32)
    order = np.argsort(-certain, kind="stable")
    limits = np.array([width, height, width, height], dtype=np.float32)
    return Detections(
        class_ids=np.array(class_ids, dtype=np.int64)[order],
        confidences=certain[order],
        boxes=np.clip(boxes, np.float32(0), limits)[order],
    )
