"""``darknet data localise``: a data set on a slow disk, copied to a fast one for training."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from darknet._data.copying import PART, Done, check_room, copy_all, waiting
from darknet._data.datafile import find_input, read_data_file
from darknet._data.plan import Plan, Text, make_plan, some
from darknet._data.text import DataError

_LOCK = ".darknet-localise.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """The copied data set.

    Attributes:
        plan: What was asked for.
        done: What was copied.
        weights: What that starts from; None is nothing.
        left: Whether an earlier training left those behind, and this one goes on.
        command: The ``darknet`` command to go on with, word by word.
    """

    plan: Plan
    done: Done
    weights: str | None
    left: bool
    command: tuple[str, ...]


def localise(
    data: Path,
    to: Path,
    *,
    cfg: str,
    weights: str | None,
    anew: bool,
    jobs: int,
    skip_missing: bool,
) -> Local:
    """Copy the data set; the new ``.data`` file is written last, so it is never half a set's.

    Training is to start from what an earlier one left behind last, where there is such a file in
    the backup folder, and from `weights` otherwise, or when it is to start `anew`: so the same
    call is right every day.

    Raises:
        DataError: a file is missing or cannot be read or written, or the disk is too small.
        KeyboardInterrupt: stopped by Ctrl-C or SIGTERM; the same call goes on from there.
    """
    read = read_data_file(find_input(str(data)) or data)
    plan = make_plan(read, to, jobs)
    if plan.missing and not skip_missing:
        raise DataError(
            f"{len(plan.missing):,} files are not there:\n{some(plan.missing)}\n"
            f"`darknet data check {data}` says more; --skip-missing leaves their "
            "pictures out"
        )
    folder = plan.data.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _only_one(folder), _stopped_by_signal():
            files = waiting(plan.copies, jobs)
            check_room(files, folder)
            done = copy_all(files, jobs, len(plan.copies) - len(files))
            for text in plan.texts:
                _write(text)
    except OSError as error:
        raise DataError(f"{error.filename or folder}: {error.strerror}") from None
    left = None if anew else _left_behind(plan.backup, cfg)
    start = left or weights or None
    words = ("darknet", "detector", "train", str(plan.data), cfg)
    return Local(
        plan=plan,
        done=done,
        weights=start,
        left=left is not None,
        command=(*words, *([start] if start else []), "-dont_show"),
    )


def _left_behind(backup: Path, cfg: str) -> str | None:
    """The weights that training with this ``.cfg`` left behind last."""
    stem = Path(cfg).name.split(".")[0]  # as Darknet names them
    left = (backup / f"{stem}{end}" for end in ("_last.weights", ".backup"))
    return next((str(path) for path in left if path.is_file()), None)


def _write(text: Text) -> None:
    """Under a temporary name first, and only where it says something new."""
    content = text.content.encode("utf-8", "surrogateescape")
    if text.target.is_file() and text.target.read_bytes() == content:
        return
    part = text.target.with_name(text.target.name + PART)
    try:
        part.write_bytes(content)
        part.replace(text.target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Keep a second copy into the same folder away."""
    path = folder / _LOCK
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataError(f"another `darknet data localise` is writing into {folder}") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)


@contextmanager
def _stopped_by_signal() -> Iterator[None]:
    """SIGTERM, which ends a dying runtime, stops as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
