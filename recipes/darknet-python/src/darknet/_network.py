"""A network: made from a .cfg, given images or numbers, gives back boxes or numbers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from darknet._data.cfg import class_count, read_cfg
from darknet._data.text import DataError
from darknet._detections import Detection, Detections
from darknet._engine import Engine, NetworkError, Picture
from darknet._names import read_names
from darknet._paths import find_file
from darknet._pixels import Order, array_planes, letterbox, read_planes
from darknet._reading import groups

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]
    PathName = str | os.PathLike[str]
    Image = np.ndarray[Any, Any] | str | bytes | os.PathLike[str]
    Found = tuple[Detections, tuple[int, int]]

__all__ = ["Network", "NetworkError"]

_FINDS_BOXES = frozenset({"yolo", "region", "detection"})
_BATCH = 8
"""Pictures that go through a GPU together, where nobody says how many."""
_MOST = 1024


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
        self._engine = Engine(*files)

    def close(self) -> None:
        """Give the memory back; the network cannot be used any more. May be called twice."""
        self._engine.close()

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
        return self._engine.width

    @property
    def height(self) -> int:
        """Rows of the network's input."""
        return self._engine.height

    @property
    def inputs(self) -> int:
        """Numbers that go in: channels x height x width for an image network."""
        return self._engine.inputs

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
        self._engine.handle()
        given = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
        if given.size != self.inputs:
            raise ValueError(f"{given.size} values given, the network takes {self.inputs}")
        return self._engine.predict(given)

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
        self._check(threshold, nms)
        return self._engine.find([self._prepare(image, order)], threshold, nms)[0]

    def detect_many(
        self,
        images: Iterable[Image],
        threshold: float = 0.5,
        nms: float = 0.45,
        *,
        order: Order = "rgb",
        readers: int = 2,
        batch: int | None = None,
    ) -> Iterator[list[Detection]]:
        """The same as `detect` for one image after another, in their order.

        While the network computes, `readers` threads read and scale the images that come next;
        only a few are in memory at once, so there may be any number.

        Args:
            images: Files or arrays, as `detect` takes them, of any sizes.
            threshold: As in `detect`.
            nms: As in `detect`.
            order: As in `detect`.
            readers: Threads that read.
            batch: Images that go through the network together; the first result comes when so
                many were read. None is 8 on a GPU, or fewer, where they would take more than half
                of its free memory, and 1 on the CPU, which 8 make a tenth faster at most. What is
                found is the same (on a GPU within rounding).

        Raises:
            ValueError: a number is out of its range; and what `detect` raises, at the image that is
                to blame, after the results of those before it.

        Warns:
            RuntimeWarning: there is no memory for as many as `batch` says, or a layer of the
                network takes one at a time; it goes on with fewer.
        """
        outcomes = self.look_through(images, threshold, nms, order, readers, batch)

        def results() -> Iterator[list[Detection]]:
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    outcomes.close()
                    raise outcome
                yield outcome[0].named(self.names)

        return results()

    def look_through(
        self,
        images: Iterable[Image],
        threshold: float,
        nms: float,
        order: Order = "rgb",
        readers: int = 2,
        batch: int | None = None,
    ) -> Generator[Found | Exception]:
        """As `detect_many`, with arrays and sizes; what is wrong with an image is given, too."""
        self._check(threshold, nms)
        if readers < 1:
            raise ValueError(f"readers is {readers}: one at least is needed")
        if batch is not None and not 1 <= batch <= _MOST:
            raise ValueError(f"batch is {batch}: it goes from 1 to {_MOST}")
        return self._look_through(images, threshold, nms, order, readers, batch)

    def _look_through(
        self,
        images: Iterable[Image],
        threshold: float,
        nms: float,
        order: Order,
        readers: int,
        batch: int | None,
    ) -> Generator[Found | Exception]:
        engine, asked = self._engine, batch is not None
        size = batch or (_BATCH if engine.on_gpu else 1)
        warned = not asked
        reading = groups(
            images, lambda image: self._prepare(image, order), readers=readers, size=size
        )
        with closing(reading):
            for group in reading:
                ready = [one for one in group if isinstance(one, Picture)]
                found = iter(engine.find(ready, threshold, nms, asked=asked))
                if not warned and (why := engine.short_of(size)):
                    warned = True
                    warnings.warn(f"fewer than {size} at once: {why}", RuntimeWarning, stacklevel=3)
                for one in group:
                    yield one if isinstance(one, Exception) else (next(found), one.size)

    def _prepare(self, image: Image, order: Order) -> Picture:
        """An image in the network's size, and its own width and height. Takes no lock."""
        engine, channels = self._engine, self.channels
        if isinstance(image, np.ndarray):
            planes = array_planes(image, channels, order)
        else:
            planes = read_planes(engine.library, image, channels)
        _, height, width = planes.shape
        values = letterbox(engine.library, planes, engine.width, engine.height)
        return Picture(values=values, size=(width, height))

    def _check(self, threshold: float, nms: float) -> None:
        self._engine.handle()
        if not self._detects:
            raise ValueError("this network finds no boxes: use predict()")
        for name, value in (("threshold", threshold), ("nms", nms)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}: it goes from 0 to 1")
