"""Videos by OpenCV: their frames one after another, and a video of frames, written whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Frame = np.ndarray[Any, np.dtype[np.uint8]]

_FRAMES_A_SECOND = 25.0
"""Where the video does not tell."""


class VideoError(Exception):
    """A video cannot be read or written; the message says why."""


class Reader(AbstractContextManager["Reader"], Iterator["Frame"]):
    """The frames of a video, height x width x BGR, one after another.

    Attributes:
        rate: Frames a second, of those that are given.
        total: About how many there will be; 0 where the video does not tell.
    """

    def __init__(self, cv2: ModuleType, source: str, skip: int) -> None:
        """`skip` frames are left out after each that is given."""
        if "://" not in source and not Path(source).is_file():
            raise FileNotFoundError(f"no file {source!r}, and no folder of frames")
        self._skip = skip
        self._video = cv2.VideoCapture(source)
        told = float(self._video.get(cv2.CAP_PROP_FPS))
        self.rate = (told if 0 < told < 1000 else _FRAMES_A_SECOND) / (1 + skip)
        self.total = max(0, int(self._video.get(cv2.CAP_PROP_FRAME_COUNT))) // (1 + skip)

    def __next__(self) -> Frame:
        there, frame = self._video.read()
        if not there:
            raise StopIteration
        for _ in range(self._skip):
            self._video.grab()
        read: Frame = frame
        return read

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._video.release()


class Writer(AbstractContextManager["Writer"]):
    """A video, or pictures PREFIX_%08d.jpg; a video has its name once it is whole."""

    def __init__(
        self, cv2: ModuleType, *, prefix: str | None, path: Path | None, rate: float
    ) -> None:
        """`prefix` and `path`: one of them, or both. `rate`: frames a second."""
        self._cv2, self._prefix, self._path, self._rate = cv2, prefix, path, rate
        self._video: Any = None
        self._count = 0

    def write(self, frame: Frame) -> None:
        """One more frame; all of a video have one size."""
        if self._prefix:
            name = f"{self._prefix}_{self._count:08d}.jpg"
            if not self._cv2.imwrite(name, frame):
                raise VideoError(f"{name} cannot be written")
        if self._path is not None:
            if self._video is None:
                self._begin(self._path, frame)
            self._video.write(frame)
        self._count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._path is None or self._video is None:
            return
        self._video.release()
        half = self._unfinished(self._path)
        if kind is not None:
            half.unlink(missing_ok=True)
            return
        # OpenCV does not say that a disk is full
        written = self._cv2.VideoCapture(str(half))
        kept = int(written.get(self._cv2.CAP_PROP_FRAME_COUNT))
        written.release()
        if kept < self._count:
            half.unlink(missing_ok=True)
            raise VideoError(f"{self._path} cannot be written whole: is the disk full?")
        half.replace(self._path)

    def _begin(self, path: Path, frame: Frame) -> None:
        height, width, _ = frame.shape
        kind = "MJPG" if path.suffix.lower() == ".avi" else "mp4v"
        code = self._cv2.VideoWriter_fourcc(*kind)
        half = str(self._unfinished(path))
        self._video = self._cv2.VideoWriter(half, code, self._rate, (width, height))
        if not self._video.isOpened():
            raise VideoError(
                f"{path} cannot be written: a name that ends in .mp4 or .avi, in a folder that is "
                "there, is needed"
            )

    @staticmethod
    def _unfinished(path: Path) -> Path:
        return path.with_name(f"{path.stem}.unfinished{path.suffix}")
