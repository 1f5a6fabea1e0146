"""A data set that draws itself: coloured shapes on noise, and a network that learns them."""

from __future__ import annotations

from pathlib import Path

import networks
import numpy as np
from newer import conv, section

NAMES = ("disc", "square", "cross")


def detector(anchors: str, classes: int, *, stride: int = 1, **options: object) -> str:
    """The last two layers of a network with two anchors: a convolution and the [yolo]."""
    head = section(
        "convolutional", filters=2 * (classes + 5), size=1, stride=stride, activation="linear"
    )
    return head + section("yolo", mask="0,1", anchors=anchors, classes=classes, num=2, **options)


SIDE = 64
CFG = (
    """[net]
batch=16
subdivisions=1
width=64
height=64
channels=3
momentum=0.9
decay=0.0005
hue=.02
saturation=1.2
exposure=1.2
learning_rate=0.01
burn_in=20
policy=steps
steps={step}
scales=.1
max_batches={batches}
"""
    + conv(8, 3, 2)
    + conv(16, 3, 2)
    + conv(32, 3, 2)
    + conv(32, 3, 1)
    + detector(
        "14,14, 24,24",
        3,
        jitter=".1",
        ignore_thresh=".6",
        iou_loss="ciou",
        iou_normalizer=".2",
        max=8,
    )
)


def make(folder: Path, *, trained: int = 200, held_out: int = 60, batches: int) -> Path:
    """Draw all that training takes: the .data file is given back, `shapes.cfg` is beside it."""
    random = np.random.RandomState(20180914)
    for name in ("images", "labels", "backup"):
        (folder / name).mkdir(parents=True)
    for key, count in (("train", trained), ("valid", held_out)):
        paths = []
        for number in range(count):
            pixels, labels = draw(random)
            path = folder / "images" / f"{key} {number}.png"
            path.write_bytes(networks.ppm(pixels))
            (folder / "labels" / f"{key} {number}.txt").write_text(labels)
            paths.append(f"{path}\n")
        (folder / f"{key}.txt").write_text("".join(paths))
    (folder / "shapes.names").write_text("".join(f"{name}\n" for name in NAMES))
    (folder / "shapes.cfg").write_text(CFG.format(batches=batches, step=batches * 3 // 4))
    data = folder / "shapes.data"
    data.write_text(
        f"classes = 3\ntrain = {folder}/train.txt\nvalid = {folder}/valid.txt\n"
        f"names = {folder}/shapes.names\nbackup = {folder}/backup\n"
    )
    return data


def draw(random: np.random.RandomState) -> tuple[np.ndarray, str]:
    """A picture with one or two shapes, height x width x RGB, uint8, and its labels."""
    pixels = random.randint(0, 60, (SIDE, SIDE, 3)) + random.randint(0, 80, 3)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    labels = []
    halves = [slice(0, 32), slice(32, 64)]
    for half in halves[: random.randint(1, 3)]:
        kind = random.randint(3)
        radius = random.randint(6, 14)
        x = random.randint(half.start + radius, max(half.start + radius + 1, half.stop - radius))
        y = random.randint(radius, SIDE - radius)
        across, down = np.abs(columns - x), np.abs(rows - y)
        inside = {
            0: across**2 + down**2 <= radius**2,
            1: np.maximum(across, down) <= radius,
            2: (np.maximum(across, down) <= radius) & (np.minimum(across, down) <= radius // 3),
        }[kind]
        colour = random.randint(0, 110, 3)
        colour[kind] = random.randint(
            170, 256
        )  # discs are reddish, squares greenish, crosses blueish
        pixels[inside] = colour
        size = (2 * radius + 1) / SIDE
        labels.append(f"{kind} {(x + 0.5) / SIDE:.5f} {(y + 0.5) / SIDE:.5f} {size:.5f} {size:.5f}")
    return pixels.astype(np.uint8), "\n".join(labels) + "\n"
