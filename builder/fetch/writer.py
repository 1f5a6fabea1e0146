"""Small files, written by a thread of its own while the next ones are read."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from dataclasses import dataclass
from pathlib import Path

from builder.fetch.part import write_all, writing

WAITING = 32
"""Files in memory at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A whole file: where it goes, its bytes, permission bits and time (seconds since 1970)."""

    path: Path
    data: bytes
    mode: int
    mtime: float


class Writer:
    """Writes files in the order they come in. Close it to be rid of the thread.

    Args:
        place: The folder that is named if something is wrong.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._files: queue.Queue[NewFile | None] = queue.Queue(WAITING)
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="writing", daemon=True)
        self._thread.start()

    def put(self, file: NewFile) -> None:
        """Have it written, some time before `wait` returns.

        Raises:
            MachineError: it, or one before it, could not be written.
        """
        self._raise()
        self._files.put(file)

    def wait(self) -> None:
        """Wait until everything is written.

        Raises:
            MachineError: something could not be.
        """
        self._files.join()
        self._raise()

    def close(self) -> None:
        """End the thread when it has written what is left; says nothing of errors."""
        self._files.put(None)
        self._thread.join()

    def _raise(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        while (file := self._files.get()) is not None:
            if self._failed is None:
                try:
                    self._write(file)
                except Exception as error:  # whatever it is, it belongs to whoever waits
                    self._failed = error
            self._files.task_done()

    def _write(self, file: NewFile) -> None:
        with writing(self._place):
            descriptor = create(file.path)
            with os.fdopen(descriptor, "wb", buffering=0) as writer:
                write_all(writer, file.data)
                os.fchmod(descriptor, file.mode)
        set_time(file.path, file.mtime)


def create(path: Path) -> int:
    """A new file's descriptor: never through a link, and never over a file that is there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o600)


def set_time(path: Path, mtime: float) -> None:
    """Give it that time of change, where the file system can hold it."""
    # A time no file system can hold is not worth refusing an archive for.
    with contextlib.suppress(OSError, OverflowError, ValueError):
        os.utime(path, (mtime, mtime), follow_symlinks=False)
