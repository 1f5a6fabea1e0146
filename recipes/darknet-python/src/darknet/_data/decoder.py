"""Decoding pictures with Darknet's own decoder, in processes of their own.

A decoder may crash over a hostile picture; then only the picture that did it is named, and the
next process goes on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from types import TracebackType
from typing import IO

from darknet._paths import PACKAGE

# Not "-m": that would look for a darknet.py in the current folder first.
_SERVE = "import sys; sys.path[0] = sys.argv[1]; from darknet._data.decoder import serve; serve()"
_COMMAND = (sys.executable, "-c", _SERVE, str(PACKAGE.parent))


class Decoder:
    """Says of a picture what is wrong with it. Safe to be used by several threads.

    Each thread has a process of its own, which lives until `close`.
    """

    def __init__(self, command: tuple[str, ...] = _COMMAND) -> None:
        """`command` answers each path, ended by a zero byte, with the line ``ok`` or ``bad``."""
        self._command = command
        self._own = threading.local()
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []

    def __call__(self, path: str) -> str:
        """Why the picture cannot be decoded; nothing where it can."""
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is None or not worker.alive:
            worker = _Worker(self._command)
            self._own.worker = worker
            with self._lock:
                self._workers.append(worker)
        return worker.ask(path)

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Worker:
    def __init__(self, command: tuple[str, ...]) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile(prefix="darknet-")  # noqa: SIM115 -- close() closes
        environment = {**os.environ, "DARKNET_DEVICE": "cpu"}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
        )
        self.alive = True

    def ask(self, path: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(os.fsencode(path) + b"\0")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if answer == b"ok\n":
            return ""
        if not answer:
            self._process.wait()
        reason = self._reason()
        if not answer:
            self.close()
        return reason

    def close(self) -> None:
        if not self.alive:
            return
        self.alive = False
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._process.wait()
        self._said.close()

    def _reason(self) -> str:
        """What the process said last."""
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        self._said.seek(0)
        self._said.truncate()
        return said[-1] if said else "the decoder ended over it"


def serve() -> None:
    """Answer for one picture after another on standard input, until it ends."""
    from darknet._library import (
        last_error,
        load_library,
    )  # needs what CMake writes, and `check` does not

    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # Darknet speaks on standard output too
    library = load_library()
    waiting = b""
    while read := os.read(0, 1 << 16):
        *paths, waiting = (waiting + read).split(b"\0")
        for path in paths:
            image = library.darknet_load_image_color(path, 0, 0)
            if image.data:
                library.free_image(image)
            else:
                sys.stderr.write(last_error(library) + "\n")
                sys.stderr.flush()
            answers.write(b"ok\n" if image.data else b"bad\n")
