"""Anchors that fit a data set: typical widths and heights of its boxes, in the network's pixels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet._data.pictures import PictureError, read_header
from darknet._paths import find_file
from darknet._truth import listed_pictures, read_truth

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float64]]
    PathName = str | os.PathLike[str]

_STARTS = 8
_ROUNDS = 300


@dataclass(frozen=True)
class Anchors:
    """Anchors, the smallest first.

    Attributes:
        sizes: n x 2, float64: widths and heights in pixels of the network's input.
        mean_iou: How well they fit: the mean over all boxes of the intersection over union with
            the anchor that is most like it, both with one centre.
        boxes: How many boxes they were made from.
    """

    sizes: Floats
    mean_iou: float
    boxes: int

    def __str__(self) -> str:
        return ", ".join(f"{width:.0f},{height:.0f}" for width, height in self.sizes)


def find_anchors(data: PathName, count: int, width: int, height: int) -> Anchors:
    """Find anchors for the pictures that a .data file trains with.

    Pictures are fitted into the input whole, as this Darknet does (``letterbox``).

    Args:
        data: The .data file.
        count: How many.
        width: Of the network's input, in pixels.
        height: The same.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: pictures or labels cannot be read, or there are fewer boxes than anchors.
    """
    if min(count, width, height) < 1:
        raise ValueError(f"{count} anchors for {width} x {height} pixels: all above 0")
    parts = []
    for picture in listed_pictures(Path(os.fsdecode(find_file(data))), "train"):
        boxes = read_truth(picture).boxes[:, 2:]
        if len(boxes):
            parts.append(boxes * _shown_size(picture, width, height))
    sizes = np.concatenate(parts) if parts else np.empty((0, 2))
    sizes = sizes[np.all(sizes > 0, axis=1)]
    if len(sizes) < count:
        raise ValueError(f"{os.fspath(data)}: {len(sizes)} boxes are too few for {count} anchors")
    return cluster(sizes, count)


def cluster(sizes: Floats, count: int) -> Anchors:
    """k-means over widths and heights, n x 2, where far is 1 - IoU; the best of several starts.

    The same sizes always give the same anchors.
    """
    random = np.random.RandomState(0)  # its numbers are frozen by NumPy
    best: Anchors | None = None
    for _ in range(_STARTS):
        centres = _settle(sizes, _spread(sizes, count, random))
        fit = float(np.mean(np.max(_alike(sizes, centres), axis=1)))
        if best is None or fit > best.mean_iou:
            order = np.argsort(np.prod(centres, axis=1), kind="stable")
            best = Anchors(centres[order], fit, len(sizes))
    assert best is not None
    return best


def _spread(sizes: Floats, count: int, random: np.random.RandomState) -> Floats:
    """First centres: sizes, each likely to be unlike those before it (k-means++)."""
    centres = sizes[[random.randint(len(sizes))]]
    for _ in range(count - 1):
        far = (1 - np.max(_alike(sizes, centres), axis=1)) ** 2
        chances = far / far.sum() if far.sum() > 0 else None
        centres = np.concatenate([centres, sizes[[random.choice(len(sizes), p=chances)]]])
    return centres


def _settle(sizes: Floats, centres: Floats) -> Floats:
    """Move each centre to the middle of the sizes that are most like it, until none moves."""
    for _ in range(_ROUNDS):
        nearest = np.argmax(_alike(sizes, centres), axis=1)
        moved = np.array(
            [
                sizes[nearest == number].mean(axis=0) if np.any(nearest == number) else centre
                for number, centre in enumerate(centres)
            ]
        )
        if np.allclose(moved, centres, rtol=1e-6):
            break
        centres = moved
    return centres


def _alike(sizes: Floats, centres: Floats) -> Floats:
    """Intersection over union of n sizes with m centres, all in one corner: n x m."""
    shared = np.prod(np.minimum(sizes[:, np.newaxis], centres), axis=2)
    areas = np.prod(sizes, axis=1)[:, np.newaxis] + np.prod(centres, axis=1)
    result: Floats = shared / (areas - shared)
    return result


def _shown_size(picture: str, width: int, height: int) -> Floats:
    """Width and height of a picture in the network's input; all of it where it is not known."""
    try:
        size = read_header(Path(os.fsdecode(find_file(picture)))).size
    except (OSError, PictureError) as error:
        raise ValueError(f"{picture}: {error}") from None
    if size is None:
        return np.array([width, height], dtype=np.float64)
    scale = min(width / size[0], height / size[1])
    return np.array([size[0] * scale, size[1] * scale])
