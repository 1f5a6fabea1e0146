"""A network: made from a .cfg, given images or numbers, gives back boxes or numbers."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from ctypes import CDLL, byref, c_int
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet._data.cfg import class_count, read_cfg
from darknet._data.text import DataError
from darknet._detections import Detection, Detections, collect
from darknet._library import DEVICE_LOCK, last_error, load_library
from darknet._names import read_names
from darknet._paths import find_file
from darknet._pixels import Order, array_planes, letterbox, pointer, read_planes

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]
    PathName = str | os.PathLike[str]
    Image = np.ndarray[Any, Any] | str | bytes | os.PathLike[str]

_HIERARCHY_THRESHOLD = 0.5
_FINDS_BOXES = frozenset({"yolo", "region", "detection"})


class NetworkError(ValueError):
    """Darknet refuses a file, or fails; the message is its own, with the file and its line."""


class Network:
    """A network on the device that ``DARKNET_DEVICE`` chooses.

    Safe to be used by several threads: they compute one after another, as a network has one set
    of buffers, and a GPU is shared by all networks; images are read and scaled at the same time.
    On the CPU two networks compute at the same time. A ``with`` block, `close` or the garbage
    collector gives the memory back.

    Attributes:
        names: The classes' names, in their order; None where none were given.
    """

    names: tuple[str, ...] | None

    def __init__(
        self,
        cfg: PathName,
        weights: PathName | None = None,
        *,
        names: PathName | Sequence[str] | None = None,
    ) -> None:
        """Read a network.

        A relative path is looked for in the current folder, then in `darknet.share`, so
        ``cfg/yolov3-tiny.cfg`` always names Darknet's own.

        Args:
            cfg: The network's description.
            weights: What it has learnt; without, the weights are random.
            names: The classes' names: a ``.names`` file with one a line, a ``.data`` file that
                names such a file, or the names themselves.

        Raises:
            FileNotFoundError: a file is not there.
            NetworkError: Darknet cannot make a network of the files.
            ValueError: there are not as many names as classes.
            LibraryError: Darknet's library cannot be loaded.
        """
        files = find_file(cfg), None if weights is None else find_file(weights)
        try:
            sections = read_cfg(Path(os.fsdecode(files[0])))
        except DataError as error:
            raise NetworkError(str(error)) from None
        self._detects = any(section.name in _FINDS_BOXES for section in sections)
        self.names = None if names is None else read_names(names)
        classes = class_count(sections)
        if self.names is not None and classes is not None and len(self.names) != classes:
            raise ValueError(
                f"{len(self.names)} names, and {os.fspath(cfg)} tells {classes} classes apart: "
                "give the names that it was trained with"
            )
        self._library = load_library()
        self._handle = _load(self._library, *files)
        self._width = int(self._library.network_width(self._handle))
        self._height = int(self._library.network_height(self._handle))
        self._inputs = int(self._library.network_inputs(self._handle))
        on_gpu = int(self._library.cuda_choose_device()) >= 0
        self._lock = DEVICE_LOCK if on_gpu else threading.RLock()
        # Not at the interpreter's exit: CUDA may be gone by then, and the memory goes anyway.
        self._close = weakref.finalize(self, _free, self._library, self._handle, self._lock)
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
        return self._width

    @property
    def height(self) -> int:
        """Rows of the network's input."""
        return self._height

    @property
    def inputs(self) -> int:
        """Numbers that go in: channels x height x width for an image network."""
        return self._inputs

    @property
    def channels(self) -> int:
        """Channels of the network's input; 0 where the input is no image."""
        pixels = self.width * self.height
        return self.inputs // pixels if pixels else 0

    def predict(self, values: Floats) -> Floats:
        """One forward pass: `inputs` numbers in, the last layer's output out, as it is.

        Args:
            values: Any shape with `inputs` values in all; an image is channels x height x width.

        Returns:
            The output as one row of float32, a copy.

        Raises:
            NetworkError: Darknet fails, for want of memory for example.
            ValueError: the array has another number of values, or the network is closed.
        """
        self._open()
        given = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
        if given.size != self.inputs:
            raise ValueError(f"{given.size} values given, the network takes {self.inputs}")
        with self._lock:
            handle = self._open()
            output = self._library.darknet_network_predict(handle, pointer(given))
            if not output:
                raise NetworkError(last_error(self._library))
            count = int(self._library.network_outputs(handle))
            result: Floats = np.ctypeslib.as_array(output, shape=(count,)).copy()
        return result

    def detect(
        self, image: Image, threshold: float = 0.5, nms: float = 0.45, *, order: Order = "rgb"
    ) -> list[Detection]:
        """Find objects in an image of any size, most certain first.

        Args:
            image: A file, or an array: ``uint8``, height x width x channels, or floats from 0 to
                1, channels x height x width. An array without channels is grey.
            threshold: Objects less certain than this, from 0 to 1, are left out.
            nms: Of two boxes of one class that overlap by more than this (intersection over
                union, from 0 to 1) the less certain is dropped; 0 keeps all.
            order: Of an array's channels: ``rgb``, or ``bgr`` as OpenCV has them. Of a file they
                are known.

        Raises:
            FileNotFoundError: the file is not there.
            NetworkError: Darknet fails, for want of memory for example.
            ValueError: it is no image, not one with the network's channels, the network finds no
                boxes, a threshold is out of its range, or the network is closed.
        """
        return self.detect_arrays(image, threshold, nms, order=order).named(self.names)

    def detect_arrays(
        self, image: Image, threshold: float = 0.5, nms: float = 0.45, *, order: Order = "rgb"
    ) -> Detections:
        """The same as `detect`, as arrays."""
        return self.find_in(image, threshold, nms, order=order)[0]

    def find_in(
        self, image: Image, threshold: float, nms: float, *, order: Order = "rgb"
    ) -> tuple[Detections, tuple[int, int]]:
        """The same, and the image's width and height in pixels."""
        self._check(threshold, nms)
        values, width, height = self._prepare(image, order)
        return self._find(values, width, height, threshold, nms), (width, height)

    def detect_many(
        self,
        images: Iterable[Image],
        threshold: float = 0.5,
        nms: float = 0.45,
        *,
        order: Order = "rgb",
        readers: int = 2,
    ) -> Iterator[list[Detection]]:
        """The same as `detect` for one image after another, in their order.

        While the network computes, `readers` threads read and scale the images that come next;
        only a few are in memory at once, so there may be any number. Raises what `detect` raises
        at the image that is to blame.
        """
        self._check(threshold, nms)
        if readers < 1:
            raise ValueError(f"readers is {readers}: one at least is needed")
        return self._many(images, threshold, nms, order, readers)

    def _many(
        self, images: Iterable[Image], threshold: float, nms: float, order: Order, readers: int
    ) -> Iterator[list[Detection]]:
        coming: deque[Future[tuple[Floats, int, int]]] = deque()
        pool = ThreadPoolExecutor(readers, "darknet-reader")
        try:
            for image in images:
                coming.append(pool.submit(self._prepare, image, order))
                if len(coming) > 2 * readers:
                    ready = coming.popleft().result()
                    yield self._find(*ready, threshold, nms).named(self.names)
            while coming:
                ready = coming.popleft().result()
                yield self._find(*ready, threshold, nms).named(self.names)
        finally:
            pool.shutdown(cancel_futures=True)

    def _prepare(self, image: Image, order: Order) -> tuple[Floats, int, int]:
        """An image in the network's size, and its own width and height. Takes no lock."""
        channels = self.channels
        if isinstance(image, np.ndarray):
            planes = array_planes(image, channels, order)
        else:
            planes = read_planes(self._library, image, channels)
        _, height, width = planes.shape
        return letterbox(self._library, planes, self.width, self.height), width, height

    def _find(
        self, values: Floats, width: int, height: int, threshold: float, nms: float
    ) -> Detections:
        library, count = self._library, c_int()
        with self._lock:
            handle = self._open()
            done = library.darknet_network_predict(handle, pointer(values))
            boxes = done and library.darknet_get_network_boxes(
                handle, width, height, threshold, _HIERARCHY_THRESHOLD, None, 0, byref(count)
            )
            if not boxes:
                raise NetworkError(last_error(library))
            if nms and count.value:
                library.do_nms_network(handle, boxes, count.value, nms)
        try:
            return collect(boxes, count.value, width, height)
        finally:
            library.free_detections(boxes, count)

    def _check(self, threshold: float, nms: float) -> None:
        self._open()
        if not self._detects:
            raise ValueError("this network finds no boxes: use predict()")
        for name, value in (("threshold", threshold), ("nms", nms)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}: it goes from 0 to 1")

    def _open(self) -> int:
        if not self._close.alive:
            raise ValueError("the network is closed")
        return int(self._handle)


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
