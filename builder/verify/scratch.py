"""Temporary folders that a killed builder leaves behind and the next one clears away."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from builder.cache import GRAVE, KEEP, SCRATCH
from builder.paths import Cache

LOCK = ".in-use"


@contextlib.contextmanager
def scratch_folder(cache: Cache, *, keep: bool = False) -> Iterator[Path]:
    """A new folder under ``environments/``, removed at the end unless ``keep``.

    It is locked while the block runs. The kernel drops the lock with the process, whatever ends it,
    so the next builder knows which folders nobody uses any more and removes them.
    """
    cache.environments.mkdir(parents=True, exist_ok=True)
    cache.locks.mkdir(parents=True, exist_ok=True)
    # Held while a folder has no lock of its own yet, so that nobody takes it for an abandoned one.
    making = FileLock(cache.locks / "environments.lock")
    with making:
        clear_abandoned(cache.environments)
        folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=cache.environments))
        used = FileLock(folder / LOCK)
        used.acquire()
    try:
        yield folder
    finally:
        if keep:
            (folder / KEEP).touch()
        else:
            _remove(folder)
        used.release()
        # Again: a killed builder's programs may have been at work when this one began.
        with contextlib.suppress(Timeout), making.acquire(blocking=False):
            clear_abandoned(cache.environments)


def clear_abandoned(environments: Path) -> None:
    """Remove temporary folders whose builder is gone."""
    for grave in environments.glob(f".{SCRATCH}*{GRAVE}"):
        shutil.rmtree(grave, ignore_errors=True)
    for folder in sorted(environments.glob(f"{SCRATCH}*")):
        if (folder / KEEP).exists():
            continue
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        try:
            _remove(folder)
        finally:
            lock.release()


def _remove(folder: Path) -> None:
    """Remove a folder, out of the way first: what still writes to its paths finds them gone."""
    grave = folder.with_name(f".{folder.name}{GRAVE}")
    with contextlib.suppress(OSError):
        folder = folder.rename(grave)
    shutil.rmtree(folder, ignore_errors=True)
