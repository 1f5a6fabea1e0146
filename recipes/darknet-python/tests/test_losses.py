"""The slopes that training follows, against numbers got by moving a little."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import darknet
import numpy as np
import pytest
from darknet import BOX

IOU, GIOU, DIOU, CIOU = 1, 2, 3, 4
MISH, SWISH = 14, 15
STEP = 1e-5


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    loaded = darknet.load_library()
    loaded.box_likeness_slope.restype = BOX  # four floats as well: dx, dy, dw, dh
    loaded.box_likeness_slope.argtypes = [BOX, BOX, ctypes.c_int]
    for name in ("activate", "gradient"):
        getattr(loaded, name).restype = ctypes.c_float
        getattr(loaded, name).argtypes = [ctypes.c_float, ctypes.c_int]
    return loaded


def edges(box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return box[:2] - box[2:] / 2, box[:2] + box[2:] / 2


def overlap(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Shared area and area of both together."""
    low, high = np.maximum(edges(a)[0], edges(b)[0]), np.minimum(edges(a)[1], edges(b)[1])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    return shared, float(np.prod(a[2:]) + np.prod(b[2:])) - shared


def hull(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum(edges(a)[1], edges(b)[1]) - np.minimum(edges(a)[0], edges(b)[0])


def iou(a: np.ndarray, b: np.ndarray) -> float:
    shared, both = overlap(a, b)
    return shared / both


def giou(a: np.ndarray, b: np.ndarray) -> float:
    area = float(np.prod(hull(a, b)))
    return iou(a, b) - (area - overlap(a, b)[1]) / area


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(((a[:2] - b[:2]) ** 2).sum() / (hull(a, b) ** 2).sum())


def shape(a: np.ndarray, b: np.ndarray) -> float:
    return float(4 / np.pi**2 * (np.arctan(b[2] / b[3]) - np.arctan(a[2] / a[3])) ** 2)


def slope(term: Callable[..., float], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    moves = np.eye(4) * STEP
    return np.array([(term(a + m, b) - term(a - m, b)) / (2 * STEP) for m in moves])


def expected(kind: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # The authors' code counts the size's share for both edges of a box.
    total = slope(giou if kind == GIOU else iou, a, b) * [1, 1, 2, 2]
    if kind in {DIOU, CIOU}:
        total -= slope(distance, a, b)
    if kind == CIOU:
        alpha = shape(a, b) / (1 - iou(a, b) + shape(a, b) + 1e-6)
        total -= alpha * slope(shape, a, b) * (a[2] ** 2 + a[3] ** 2)
    return total


@pytest.mark.parametrize("kind", [IOU, GIOU, DIOU, CIOU])
def test_the_likeness_of_boxes(library, kind):
    random = np.random.RandomState(kind)
    overlapping = 0
    for _ in range(300):
        a, b = (np.concatenate([random.uniform(0.3, 0.7, 2), random.uniform(0.05, 0.5, 2)])
                for _ in range(2))  # fmt: skip
        gaps = [p - q for p in edges(a) for q in edges(b)]
        if np.abs(gaps).min() < 1e-4:
            continue  # a kink, where no slope is the right one
        overlapping += iou(a, b) > 0
        d = library.box_likeness_slope(BOX(*a), BOX(*b), kind)
        np.testing.assert_allclose(
            [d.x, d.y, d.w, d.h], expected(kind, a, b), rtol=2e-3, atol=2e-3, err_msg=f"{a} {b}"
        )
    assert 100 < overlapping < 300


@pytest.mark.parametrize("kind", [MISH, SWISH])
def test_the_slope_of_an_activation(library, kind):
    exact = {
        MISH: lambda x: x * np.tanh(np.log1p(np.exp(x))),
        SWISH: lambda x: x / (1 + np.exp(-x)),
    }[kind]
    for x in np.linspace(-12, 12, 97):
        assert library.activate(x, kind) == pytest.approx(exact(x), rel=1e-6, abs=1e-9)
        near = (exact(x + STEP) - exact(x - STEP)) / (2 * STEP)
        assert library.gradient(x, kind) == pytest.approx(near, rel=1e-5, abs=1e-7)
    for x in (-500.0, 500.0, 1e9):
        assert np.isfinite(library.activate(x, kind))
        assert np.isfinite(library.gradient(x, kind))
