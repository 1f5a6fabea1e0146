"""Random weights and images that are the same everywhere and for ever.

``numpy.random.RandomState`` is frozen by NumPy; other generators may change.
"""

from __future__ import annotations

import struct

import numpy as np

SEED = 20180914
SAME_CHANNELS = {
    "avgpool", "dropout", "maxpool", "region", "shortcut", "softmax", "upsample", "yolo",
}  # fmt: skip
Section = tuple[str, dict[str, str]]


def sections(cfg: str) -> list[Section]:
    """A .cfg as (name, options), in order."""
    found: list[Section] = []
    for raw in cfg.splitlines():
        line = raw.split("#")[0].strip()
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        elif line:
            key, _, value = line.partition("=")
            found[-1][1][key.strip()] = value.strip()
    return found


def parameters(cfg: str) -> list[tuple[int, int, bool]]:
    """(filters, weights of one filter, batch-normalised) of each convolution."""
    (_, net), *layers = sections(cfg)
    channels = [int(net["channels"])]
    wanted = []
    for index, (kind, options) in enumerate(layers):
        incoming = channels[-1]
        if kind == "convolutional":
            filters, size = int(options["filters"]), int(options["size"])
            wanted.append((filters, incoming * size * size, options.get("batch_normalize") == "1"))
            channels.append(filters)
        elif kind == "route":
            sources = [int(word) for word in options["layers"].split(",")]
            # channels[0] is the input, so layer n is channels[n + 1]
            all_of = sum(channels[(n if n >= 0 else index + n) + 1] for n in sources)
            channels.append(all_of // int(options.get("groups", 1)))
        elif kind == "reorg":
            channels.append(incoming * int(options["stride"]) ** 2)
        elif kind in SAME_CHANNELS:
            channels.append(incoming)
        else:
            raise ValueError(f"no weights known for a layer of kind {kind}")
    return wanted


def random_weights(cfg: str, gain: float = 1.7) -> bytes:
    """A .weights file for a network of convolutions; activations keep their size through it."""
    random = np.random.RandomState(SEED)

    def some(count: int, low: float, high: float) -> bytes:
        return (low + (high - low) * random.random_sample(count)).astype("<f4").tobytes()

    parts = [struct.pack("<iiiQ", 0, 2, 0, 0)]  # version 0.2.0, no image seen
    for filters, each, normalised in parameters(cfg):
        parts.append(some(filters, -0.2, 0.2))  # biases
        if normalised:
            parts += [
                some(filters, 0.6, 1.4),  # scales
                some(filters, -0.1, 0.1),  # means
                some(filters, 0.5, 1.5),  # variances
            ]
        reach = gain / each**0.5
        parts.append(some(filters * each, -reach, reach))
    return b"".join(parts)


def random_input(count: int) -> np.ndarray:
    """Values from 0 to 1 to put into a network."""
    return np.random.RandomState(SEED + 1).random_sample(count).astype(np.float32)


def picture(width: int, height: int) -> np.ndarray:
    """A bright disc on a gradient, height x width x RGB, uint8."""
    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack([rows * 3, columns * 2, rows + columns], axis=-1) % 256
    disc = (rows - height / 2) ** 2 + (columns - width / 3) ** 2 < (height / 4) ** 2
    pixels[disc] = (250, 240, 20)
    return pixels.astype(np.uint8)


def ppm(pixels: np.ndarray) -> bytes:
    """Pixels, height x width x RGB, uint8, as a file: a decoder tells it by what is in it."""
    height, width, _ = pixels.shape
    return b"P6 %d %d 255\n" % (width, height) + pixels.tobytes()
