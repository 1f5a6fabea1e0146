"""A network: made from a .cfg, given NumPy arrays, gives back numbers or boxes."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from ctypes import POINTER, byref, c_float, c_int
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet._library import load_library
from darknet._paths import find_file
from darknet._structs import DETECTION, IMAGE

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]

_SHADES = (np.arange(256) / 255.0).astype(np.float32)
"""A byte as Darknet's own image loader turns it into a float."""
_HIERARCHY_THRESHOLD = 0.5


@dataclass(frozen=True)
class Detection:
    """One object that was found.

    Attributes:
        class_id: The class, counted from 0 in the order of the network's names.
        confidence: From 0 to 1.
        box: Left, top, right, bottom in pixels of the given image, never outside it.
    """

    class_id: int
    confidence: float
    box: tuple[float, float, float, float]


class Network:
    """A network on the device that ``DARKNET_DEVICE`` chooses, taking one image at a time.

    Not safe to be used by two threads at once. Darknet ends the whole process on a file whose
    content it does not understand; a file that is missing is an ordinary Python error.
    """

    def __init__(
        self, cfg: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None
    ) -> None:
        """Read a ``.cfg`` and, if given, ``.weights``; without, the weights are random.

        A relative path is looked for in the current folder, then in `darknet.share`, so
        ``cfg/yolov3-tiny.cfg`` always names Darknet's own.

        Raises:
            FileNotFoundError: a file is not there.
            LibraryError: Darknet's library cannot be loaded.
        """
        files = find_file(cfg), None if weights is None else find_file(weights)
        self._library = load_library()
        self._handle = self._library.load_network(*files, 0)
        self._library.set_batch_network(self._handle, 1)
        # Not at the interpreter's exit: CUDA may be gone by then, and the memory goes anyway.
        self._close = weakref.finalize(self, self._library.free_network, self._handle)
        self._close.atexit = False

    def close(self) -> None:
        """Give the memory back; the network cannot be used any more. May be called twice."""
        self._close()

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def width(self) -> int:
        """Pixels in a row of the network's input."""
        return int(self._library.network_width(self._open()))

    @property
    def height(self) -> int:
        """Rows of the network's input."""
        return int(self._library.network_height(self._open()))

    @property
    def inputs(self) -> int:
        """Numbers that go in: channels x height x width for an image network."""
        return int(self._library.network_inputs(self._open()))

    @property
    def channels(self) -> int:
        """Channels of the network's input; 0 where the input is no image."""
        pixels = self.width * self.height
        return self.inputs // pixels if pixels else 0

    def predict(self, values: Floats) -> Floats:
        """One forward pass: `inputs` numbers in, the last layer's output out, as it is.

        Raises:
            ValueError: the array has another number of values.
        """
        handle = self._open()
        given = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
        if given.size != self.inputs:
            raise ValueError(f"{given.size} values given, the network takes {self.inputs}")
        output = self._library.network_predict(handle, given.ctypes.data_as(POINTER(c_float)))
        count = int(self._library.network_outputs(handle))
        result: Floats = np.ctypeslib.as_array(output, shape=(count,)).copy()
        return result

    def detect(
        self, image: np.ndarray[Any, Any], threshold: float = 0.5, nms: float = 0.45
    ) -> list[Detection]:
        """Find objects in an image of any size, most certain first.

        Args:
            image: ``uint8``, height x width x channels (RGB), or floats from 0 to 1,
                channels x height x width.
            threshold: Objects less certain than this are left out.
            nms: Of two boxes of one class that overlap by more than this (intersection over
                union) the less certain is dropped; 0 keeps all.

        Raises:
            ValueError: the array is no image with the network's channels.
        """
        handle = self._open()
        planes = self._planes(image)
        channels, height, width = planes.shape
        data = planes.ctypes.data_as(POINTER(c_float))
        self._library.network_predict_image(handle, IMAGE(width, height, channels, data))
        count = c_int()
        boxes = self._library.get_network_boxes(
            handle, width, height, threshold, _HIERARCHY_THRESHOLD, None, 0, byref(count)
        )
        try:
            if nms and count.value:
                self._library.do_nms_sort(boxes, count.value, boxes[0].classes, nms)
            found = list(_detections(boxes[: count.value], width, height))
        finally:
            self._library.free_detections(boxes, count)
        return sorted(found, key=lambda one: -one.confidence)

    def _planes(self, image: np.ndarray[Any, Any]) -> Floats:
        """The image as Darknet stores it: float32, channel by channel."""
        if image.dtype == np.uint8:
            pixels = image[:, :, np.newaxis] if image.ndim == 2 else image
            planes = _SHADES[np.moveaxis(pixels, -1, 0)] if pixels.ndim == 3 else None
        elif np.issubdtype(image.dtype, np.floating):
            planes = image[np.newaxis] if image.ndim == 2 else image
        else:
            raise ValueError(f"an image is uint8 or floats, not {image.dtype}")
        if planes is None or planes.ndim != 3 or not planes.size or len(planes) != self.channels:
            raise ValueError(
                f"shape {image.shape} of {image.dtype} is no image of {self.channels} channels: "
                "uint8 is height x width x channels, floats are channels x height x width"
            )
        return np.ascontiguousarray(planes, dtype=np.float32)

    def _open(self) -> int:
        if not self._close.alive:
            raise ValueError("the network is closed")
        return int(self._handle)


def _detections(boxes: list[DETECTION], width: int, height: int) -> Iterator[Detection]:
    for one in boxes:
        centre = one.bbox
        box = (
            min(max(centre.x - centre.w / 2, 0.0), float(width)),
            min(max(centre.y - centre.h / 2, 0.0), float(height)),
            min(max(centre.x + centre.w / 2, 0.0), float(width)),
            min(max(centre.y + centre.h / 2, 0.0), float(height)),
        )
        for class_id, confidence in enumerate(one.prob[: one.classes]):
            if confidence > 0:
                yield Detection(class_id, confidence, box)
