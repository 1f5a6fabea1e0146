"""Copying many files in threads: whole or not at all, and only what is not there yet."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from darknet._data.plan import Copy
from darknet._data.progress import Progress, size
from darknet._data.text import DataError

PART = ".darknet-part"
"""How the name of a file ends that is not whole yet."""
_BLOCK = 1 << 20
_TRIES = 3
_SPARE = 64 * 1000**2
"""Bytes to leave free on the disk."""
_BLOCKED = 4096
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Stopped(Exception):
    """The copying was told to stop."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that must be copied, and how it is now: its size in bytes, its time in ns."""

    copy: Copy
    size: int
    time: int


@dataclass(frozen=True, slots=True)
class Done:
    """How many files were there already, and how many were copied with how many bytes."""

    kept: int
    copied: int
    bytes: int


def waiting(copies: tuple[Copy, ...], jobs: int) -> list[Waiting]:
    """What is not there in the same size and with the same time.

    Raises:
        DataError: a file cannot be looked at.
    """

    def look(copy: Copy) -> Waiting | None:
        try:
            source = copy.source.stat()
        except OSError as error:
            raise DataError(f"{copy.source} cannot be read: {error.strerror}") from None
        try:
            there = copy.target.stat()
        except OSError:
            there = None
        # Some file systems keep times to two seconds only.
        if (
            there
            and there.st_size == source.st_size
            and (abs(there.st_mtime_ns - source.st_mtime_ns) < 2 * 10**9)
        ):
            return None
        return Waiting(copy, source.st_size, source.st_mtime_ns)

    with ThreadPoolExecutor(jobs) as pool:
        return [one for one in pool.map(look, copies) if one is not None]


def check_room(files: list[Waiting], to: Path) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        DataError: there is too little room.
    """
    place = next(folder for folder in (to, *to.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    wanted = sum(-(-one.size // _BLOCKED) * _BLOCKED for one in files)
    if wanted + _SPARE > free:
        raise DataError(
            f"{size(wanted)} are to be copied, and {place} has {size(free)} free: "
            "make room or choose another folder with --to"
        )


def copy_all(files: list[Waiting], jobs: int, kept: int) -> Done:
    """Copy them all; what is whole stays when it stops before the end.

    Raises:
        DataError: a file cannot be copied, after three tries.
        KeyboardInterrupt: from outside; no file is half-made then.
    """
    for folder in sorted({one.copy.target.parent for one in files}):
        folder.mkdir(parents=True, exist_ok=True)
    total = sum(one.size for one in files)
    progress = Progress(f"copied of {len(files):,} files", total, show=size)
    stop = threading.Event()
    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(_copy, one, stop, progress) for one in files]
        _await(futures)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        progress.close()
    return Done(kept, len(files), total)


def _await(futures: list[Future[None]]) -> None:
    """Wait, and raise the first error."""
    for future in wait(futures, return_when=FIRST_EXCEPTION).done:
        future.result()


def _copy(one: Waiting, stop: threading.Event, progress: Progress) -> None:
    """Copy one file under a temporary name, then rename it; Drive fails now and then, so thrice."""
    source, target = one.copy.source, one.copy.target
    part = target.with_name(target.name + PART)
    for tries_left in reversed(range(_TRIES)):
        try:
            written = _stream(source, part, stop, progress)
            if written != one.size:
                progress.add(-written)
                raise DataError(f"{source} changed while it was copied: start again")
            os.utime(part, ns=(one.time, one.time))
            part.replace(target)
            return
        except OSError as error:
            if error.errno in _FULL:
                raise DataError(f"no room left for {target}: make room, then start again") from None
            if not tries_left:
                raise DataError(
                    f"{source} cannot be copied: {error.strerror}; start again and "
                    "what is there already is kept"
                ) from None
            time.sleep(0.5 * (_TRIES - tries_left))
        finally:
            part.unlink(missing_ok=True)


def _stream(source: Path, part: Path, stop: threading.Event, progress: Progress) -> int:
    written = 0
    try:
        with source.open("rb", buffering=0) as reading, part.open("wb", buffering=0) as writing:
            while block := reading.read(_BLOCK):
                if stop.is_set():
                    raise Stopped
                writing.write(block)
                written += len(block)
                progress.add(len(block))
    except OSError:
        progress.add(-written)
        raise
    if stop.is_set():
        raise Stopped
    return written
