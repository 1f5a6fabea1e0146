"""YOLOv2 to v7-tiny, small, with random weights, against OpenCV's own reader of Darknet files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import networks
import newer
import numpy as np
import pytest

BOXES = Path(__file__).with_name("boxes.py")
LAYERS = Path(__file__).with_name("layers.py")
Boxes = Callable[..., np.ndarray]
# Sums in another order, in about forty layers after another
# These activations flatten what is small, so that after many layers all cells would be the same
GAIN = {"yolov4": 2.4, "yolov4-swish": 2.4}
NEAR = {"rtol": 2e-3, "atol": 2e-4}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    """A network's .cfg and .weights."""
    folder = tmp_path_factory.mktemp("newer")

    def write(name: str) -> tuple[Path, Path]:
        cfg, weights = folder / f"{name}.cfg", folder / f"{name}.weights"
        if not cfg.exists():
            weights.write_bytes(networks.random_weights(newer.ALL[name], gain=GAIN.get(name, 1.7)))
            cfg.write_text(newer.ALL[name])
        return cfg, weights

    return write


@pytest.fixture
def boxes(run, files, tmp_path) -> Boxes:
    """Every box our library finds, in a process of its own."""

    def find(name: str, **changes: str | None) -> np.ndarray:
        out = tmp_path / "boxes.npy"
        done = run(sys.executable, BOXES, *files(name), out, **changes)
        assert done.returncode == 0, done.stdout + done.stderr
        return np.load(out)

    return find


def of_opencv(cfg: Path, weights: Path) -> np.ndarray:
    """Every box OpenCV finds, head after head, cell after cell."""
    # As a rule OpenCV drops what is below 0.2.
    text = cfg.read_text().replace("thresh=.6\n", "")
    for head in ("[yolo]\n", "[region]\n"):
        text = text.replace(head, f"{head}thresh=1e-9\n")
    net = cv2.dnn.readNetFromDarknet(
        np.frombuffer(text.encode(), np.uint8), np.frombuffer(weights.read_bytes(), np.uint8)
    )
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    shape = (1, 3, newer.HEIGHT, newer.WIDTH)
    net.setInput(networks.random_input(int(np.prod(shape))).reshape(shape))
    return np.concatenate(list(net.forward(net.getUnconnectedOutLayersNames())))


def in_their_order(name: str, ours: np.ndarray) -> np.ndarray:
    """Darknet lists the boxes of a [region] anchor after anchor, OpenCV cell after cell."""
    if name != "yolov2":
        return ours
    return ours.reshape(5, -1, ours.shape[1]).swapaxes(0, 1).reshape(ours.shape)


def overlap(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of a box with others, all by centre and size."""
    low = np.maximum(one[:2] - one[2:4] / 2, others[:, :2] - others[:, 2:4] / 2)
    high = np.minimum(one[:2] + one[2:4] / 2, others[:, :2] + others[:, 2:4] / 2)
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    return shared / (np.prod(one[2:4]) + np.prod(others[:, 2:4], axis=1) - shared)


def without_overlaps(boxes: np.ndarray, most: float = 0.4) -> np.ndarray:
    """Of two boxes that overlap more, the class of the less certain becomes 0."""
    left = boxes.copy()
    for column in range(5, boxes.shape[1]):
        for index in np.argsort(-boxes[:, column]):
            if left[index, column]:
                less = boxes[:, column] < boxes[index, column]
                left[less & (overlap(boxes[index], boxes) > most), column] = 0
    return left


@pytest.mark.parametrize("name", sorted(newer.ALL))
def test_the_boxes_of_opencv(name, boxes, files):
    ours = in_their_order(name, boxes(name, DARKNET_DEVICE="cpu"))
    theirs = of_opencv(*files(name))

    assert ours.shape == theirs.shape
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours[:, :5], theirs[:, :5], **NEAR)
    if name == "yolov2":  # OpenCV drops overlapping boxes here and now
        np.testing.assert_allclose(without_overlaps(ours)[:, 5:], theirs[:, 5:], **NEAR)
    else:
        # OpenCV forgets the classes of a box that is less than half certain, but for new_coords.
        certain = ours[:, 4] > (0 if name == "yolov7-tiny" else 0.501)
        assert certain.sum() > 20
        np.testing.assert_allclose(ours[certain, 5:], theirs[certain, 5:], **NEAR)
    # Not by chance: the boxes differ from each other.
    assert len(np.unique(ours[:, 0].round(4))) > 0.5 * len(ours)


def test_layer_by_layer_ends_as_the_whole(run, files, boxes, tmp_path):
    """What compares a GPU with the CPU, layer by layer (test_gpu.py), sees each of them."""
    cfg, _ = files("yolov4-tiny")
    done = run(sys.executable, LAYERS, cfg, tmp_path / "layers.npz", DARKNET_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    layers = np.load(tmp_path / "layers.npz")
    assert len(layers.files) == 38
    last = layers["037"].reshape(3, 5 + newer.CLASSES, -1)
    certain = boxes("yolov4-tiny", DARKNET_DEVICE="cpu")[:, 4]
    assert np.isin(last[:, 4].ravel(), certain).all()


@pytest.mark.gpu
@pytest.mark.parametrize("name", sorted(newer.ALL))
def test_the_same_boxes_on_the_gpu(name, boxes):
    on_gpu = boxes(name, DARKNET_DEVICE="0", NVIDIA_TF32_OVERRIDE="0")
    on_cpu = boxes(name, DARKNET_DEVICE="cpu")
    assert not np.array_equal(on_gpu, on_cpu), "bit-identical: it ran on the CPU"
    np.testing.assert_allclose(on_gpu, on_cpu, **NEAR)
