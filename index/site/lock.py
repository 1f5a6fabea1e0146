"""One writer at a time: a lock on a file, which the kernel lets go of when its holder ends.

`filelock` does the same, and its import costs more than adding a wheel.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from index.errors import SiteError

PATIENCE = 2.0
"""Seconds until somebody is told what is waited for."""
_POLL = 0.05


@contextlib.contextmanager
def locked(path: Path, said: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock on a file, which is made where it is missing and stays.

    Raises:
        SiteError: the file system knows no locks.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _acquired(descriptor, path, PATIENCE):
            said(f"another run is changing '{path.parent}'; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _acquired(descriptor: int, path: Path, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        except OSError as error:
            raise SiteError(
                f"'{path}' cannot be locked: {error.strerror}",
                remedy="make the site in a local folder and copy it there",
            ) from error
        else:
            return True
