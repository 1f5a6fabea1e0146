"""A network of the library's: its memory, its turn on the device, and what goes through it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from ctypes import CDLL, byref, c_int
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet._detections import Detections, collect
from darknet._library import DEVICE_LOCK, last_error, load_library
from darknet._pixels import pointer

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]

_HIERARCHY_THRESHOLD = 0.5
_UNTOLD, _TOLD = 0.5, 0.9
"""How much of the free memory a batch may take: where nobody asked for it, and where one did."""


class NetworkError(ValueError):
    """Darknet refuses a file, or fails; the message is its own, with the file and its line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """An image in the network's size.

    Attributes:
        values: channels x height x width of the network.
        size: Width and height of the image itself, in pixels.
    """

    values: Floats
    size: tuple[int, int]


class Engine:
    """One network in memory; its calls take turns with those of other threads.

    Attributes:
        library: Darknet's.
        width: Pixels in a row of its input.
        height: Rows of its input.
        inputs: Numbers that go in for one image.
        on_gpu: Whether it computes there.
    """

    def __init__(self, cfg: bytes, weights: bytes | None) -> None:
        """Read the files.

        Raises:
            NetworkError: Darknet cannot make a network of them.
            LibraryError: Darknet's library cannot be loaded.
        """
        self.library = load_library()
        self._handle = _load(self.library, cfg, weights)
        self.width = int(self.library.network_width(self._handle))
        self.height = int(self.library.network_height(self._handle))
        self.inputs = int(self.library.network_inputs(self._handle))
        self.on_gpu = int(self.library.cuda_choose_device()) >= 0
        self._lock = DEVICE_LOCK if self.on_gpu else threading.RLock()
        self._batch = self._room = 1
        self._most = {True: 2**16, False: 2**16}
        self._short_of = ""
        # Not at the interpreter's exit: CUDA may be gone by then, and the memory goes anyway.
        self.close = weakref.finalize(self, _free, self.library, self._handle, self._lock)
        self.close.atexit = False

    def handle(self) -> int:
        """The library's pointer.

        Raises:
            ValueError: it is closed.
        """
        if not self.close.alive:
            raise ValueError("the network is closed")
        return int(self._handle)

    def predict(self, values: Floats) -> Floats:
        """The last layer's output for `inputs` numbers, a copy."""
        with self._lock:
            self._take(1)
            output = self.library.darknet_network_predict(self.handle(), pointer(values))
            if not output:
                raise NetworkError(last_error(self.library))
            count = int(self.library.network_outputs(self.handle()))
            result: Floats = np.ctypeslib.as_array(output, shape=(count,)).copy()
        return result

    def find(
        self, pictures: Sequence[Picture], threshold: float, nms: float, *, asked: bool = False
    ) -> list[Detections]:
        """What is in each picture; they go through the network together, memory permitting.

        Where there is less memory, or a layer takes one picture at a time, they go in parts.
        `asked`: whether somebody asked for so many at once, and so gives the memory.
        """
        raw: list[tuple[Any, c_int]] = []
        try:
            with self._lock:
                step = self._make_room(len(pictures), asked)
                for start in range(0, len(pictures), step):
                    self._find(pictures[start : start + step], threshold, nms, raw)
            return [
                collect(boxes, count.value, *picture.size)
                for picture, (boxes, count) in zip(pictures, raw, strict=True)
            ]
        finally:
            for boxes, count in raw:
                self.library.free_detections(boxes, count)

    def short_of(self, wanted: int) -> str:
        """Why not so many images go through at once, as asked for; empty where nothing forbids."""
        return self._short_of if wanted > self._most[True] else ""

    def _find(
        self,
        pictures: Sequence[Picture],
        threshold: float,
        nms: float,
        raw: list[tuple[Any, c_int]],
    ) -> None:
        """Send pictures through together, and add Darknet's own boxes of each to `raw`."""
        library = self.library
        self._take(len(pictures))
        values = pictures[0].values
        if len(pictures) > 1:
            values = np.stack([picture.values for picture in pictures])
        if not library.darknet_network_predict(self.handle(), pointer(values)):
            raise NetworkError(last_error(library))
        for number, picture in enumerate(pictures):
            count = c_int()
            boxes = library.darknet_get_batch_boxes(
                self.handle(), number, *picture.size,
                threshold, _HIERARCHY_THRESHOLD, None, 0, byref(count),
            )  # fmt: skip
            if not boxes:
                raise NetworkError(last_error(library))
            raw.append((boxes, count))
            if nms and count.value:
                library.do_nms_network(self.handle(), boxes, count.value, nms)

    def _take(self, count: int) -> None:
        """So many images go through next; there is room for them."""
        if count != self._batch:
            if self.library.darknet_set_batch_network(self.handle(), count):
                raise NetworkError(last_error(self.library))
            self._batch = count

    def _make_room(self, wanted: int, asked: bool) -> int:
        """Room for `wanted` images at once, or for as many as there can be: how many."""
        wanted = max(1, min(wanted, self._most[asked]))
        while wanted > self._room:
            status = self.library.darknet_batch_network(
                self.handle(), wanted, _TOLD if asked else _UNTOLD
            )
            if status < 0:
                message = last_error(self.library)
                self.close()
                raise NetworkError(f"{message}; the network is closed")
            if status:
                self._short_of = last_error(self.library)
                self._room = self._batch
                self._most[asked] = wanted = max(1, wanted // 2)
            else:
                self._room = self._batch = wanted
        return wanted


def _load(library: CDLL, cfg: bytes, weights: bytes | None) -> int:
    """A network for one image at a time."""
    with DEVICE_LOCK:
        handle = library.darknet_load_network(cfg, weights, 0)
        if not handle:
            raise NetworkError(last_error(library))
        if library.darknet_set_batch_network(handle, 1):
            message = last_error(library)
            library.free_network(handle)
            raise NetworkError(message)
    return int(handle)


def _free(library: CDLL, handle: int, lock: threading.RLock) -> None:
    with lock:
        library.free_network(handle)
