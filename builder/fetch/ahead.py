"""Reading ahead: one thread decompresses while the other puts files in place.

zlib, liblzma, bzip2 and zstd all let go of Python's lock while they work, so that the two really
run at once where there are two cores.
"""

from __future__ import annotations

import io
import queue
import threading
from typing import IO

BLOCK = 512 * 1024
BLOCKS = 8
"""Read and not yet asked for, at most: 4 MB."""
_WAIT = 0.1


class Ahead(io.RawIOBase):
    """A stream that cannot seek, read by a thread of its own. Close it to be rid of the thread.

    Args:
        file: What is read; nobody else may until this is closed. Its error comes to whoever reads
            past the last good byte.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._blocks: queue.Queue[bytes | Exception] = queue.Queue(BLOCKS)
        self._left = memoryview(b"")
        self._failed: Exception | None = None
        self._ended = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unpacking", daemon=True)
        self._thread.start()

    def readable(self) -> bool:
        """Yes."""
        return True

    # The base class takes any writable buffer; io.BufferedReader hands over a memoryview.
    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Some bytes, none at the end."""
        if not self._left and not self._next():
            return 0
        data = self._left[: len(buffer)]
        buffer[: len(data)] = data
        self._left = self._left[len(data) :]
        return len(data)

    def close(self) -> None:
        """End the thread, whatever it is doing."""
        self._stop.set()
        self._thread.join()
        super().close()

    def _next(self) -> bool:
        """Take the next block; whether there is one."""
        if self._failed is not None:
            raise self._failed
        if self._ended:
            return False
        block = self._blocks.get()
        if isinstance(block, Exception):
            self._failed = block
            raise block
        self._left = memoryview(block)
        self._ended = not block
        return bool(block)

    def _run(self) -> None:
        try:
            while self._put(block := self._file.read(BLOCK)) and block:
                pass
        except Exception as error:  # whatever it is, it belongs to whoever reads
            self._put(error)

    def _put(self, block: bytes | Exception) -> bool:
        """Hand a block over; False if nobody wants any more."""
        while not self._stop.is_set():
            try:
                self._blocks.put(block, timeout=_WAIT)
            except queue.Full:
                continue
            return True
        return False
