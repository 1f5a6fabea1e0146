"""Room on disk, and a full disk said the same way wherever it is met."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from builder.errors import MachineError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""The error numbers of a disk, or a user's share of it, that is full."""

MARKS = ("No space left on device", "Disk quota exceeded")
"""What programs print then."""


def free_bytes(folder: Path) -> int:
    """Bytes free where ``folder`` lies, or will lie once it is made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def delete_folder(folder: Path) -> None:
    """Delete a folder and everything in it, also where things came without write permission."""
    while folder.exists():
        # A file that another thread deleted first is no trouble: what is left is tried again.
        with contextlib.suppress(FileNotFoundError):
            _delete(folder)


def _delete(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except PermissionError:
        folder.chmod(0o755)
        for place, names, _ in os.walk(folder):
            for path in (Path(place, name) for name in names):
                if not path.is_symlink():
                    path.chmod(0o755)
        shutil.rmtree(folder)


@contextlib.contextmanager
def deleting(folders: Iterable[Path]) -> Iterator[None]:
    """Delete folders from another thread while the block runs; trouble is left to whoever is next.

    The block ends when they are gone, or cannot be deleted this simply.
    """
    doomed = tuple(folders)

    def delete() -> None:
        for folder in doomed:
            shutil.rmtree(folder, ignore_errors=True)

    thread = threading.Thread(target=delete, name="deleting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def disk_full(what: str) -> MachineError:
    """The error for it."""
    return MachineError(
        f"the disk is full: {what}",
        remedy="free some, run `builder cache prune`, or name another disk with --cache-dir; "
        "then run the same command again",
    )


def says_full(output: str) -> str | None:
    """The first line of a program's output that says so, or None."""
    lines = output.splitlines()
    return next((line.strip() for line in lines if any(mark in line for mark in MARKS)), None)
