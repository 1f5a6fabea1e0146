"""What the cache holds, and what of it can go."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from builder.disk import delete_folder
from builder.errors import MachineError
from builder.paths import Cache
from builder.ui import Reporter, Task

CACHE_LOCK = "cache.lock"
SCRATCH = "tmp-"
"""How the names of verification environments begin."""
GRAVE = ".removed"
"""How the names of things end that are being removed."""
KEEP = ".keep"
"""Marks one somebody asked to keep; its paths stand in scripts, so it cannot be renamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One folder of the cache."""

    name: str
    path: Path
    what: str
    size: int
    """Bytes on disk; a file with several names counts once."""
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """One thing that a prune would remove, and why it is not needed."""

    path: Path
    why: str
    size: int


PARTS = {
    "downloads": "verified source and toolchain packages",
    "toolchains": "compilers, sysroot and CUDA toolkits",
    "compile": "the compile cache",
    "store": "finished wheels by build key",
    "environments": "installer cache for verification",
    "work": "builds under way",
    "logs": "a log per build",
}


def measure(path: Path) -> tuple[int, int]:
    """(bytes on disk, files) below ``path``; hard links count once."""
    seen: set[tuple[int, int]] = set()
    size = files = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                facts = Path(folder, name).lstat()
                files += 1
                if (facts.st_dev, facts.st_ino) not in seen:
                    seen.add((facts.st_dev, facts.st_ino))
                    size += facts.st_blocks * 512
    return size, files


def contents(cache: Cache, *, task: Task | None = None) -> tuple[Part, ...]:
    """Every part of the cache with its size; ``task`` is told how many were measured."""
    parts: list[Part] = []
    for name, what in PARTS.items():
        if task is not None:
            task.update(len(parts), detail=name)
        path: Path = getattr(cache, name)
        size, files = measure(path)
        parts.append(Part(name=name, path=path, what=what, size=size, files=files))
    return tuple(parts)


def leftovers(cache: Cache, *, current_toolchains: frozenset[str]) -> Iterator[Removal]:
    """What no builder can use again: half-made things, and toolchains whose pins have changed."""
    for path in _children(cache.work):
        yield _removal(path, "a build that ended before it was finished")
    for path in _children(cache.environments):
        if (path / KEEP).exists():
            yield _removal(path, "a verification environment kept with --keep")
        elif path.name.startswith((".", SCRATCH)):
            yield _removal(path, "a verification environment left behind")
    for path in _children(cache.store):
        if path.name.startswith(".") and path.is_dir():  # its lock is a file
            yield _removal(path, "a wheel that was not put into the store whole")
    for folder in (cache.downloads, cache.compile, cache.logs):
        for path in _children(folder):
            if path.name.startswith(".") and path.name.endswith(GRAVE):
                yield _removal(path, "a removal that was cut short")
    for path in _children(cache.toolchains):
        if path.name.startswith("."):
            yield _removal(path, "a toolchain that was not finished")
        elif path.name not in current_toolchains:
            yield _removal(path, "a toolchain of other pins than today's")


def whole(cache: Cache, names: tuple[str, ...]) -> Iterator[Removal]:
    """Everything in the named parts."""
    for name in names:
        for path in _children(getattr(cache, name)):
            yield _removal(path, f"asked for with --{name}")


def remove(removals: tuple[Removal, ...], *, task: Task | None = None) -> None:
    """Delete them; a folder is renamed away first, so that a crash leaves nothing half-deleted."""
    for number, removal in enumerate(removals):
        if task is not None:
            task.update(number, detail=removal.path.name)
        grave = removal.path.with_name(
            f".{removal.path.name.lstrip('.').removesuffix(GRAVE)}{GRAVE}"
        )
        if grave.is_dir():  # left by one that was cut short
            delete_folder(grave)
        with contextlib.suppress(FileNotFoundError):
            removal.path.rename(grave)
            if grave.is_dir() and not grave.is_symlink():
                delete_folder(grave)
            else:
                grave.unlink()


@contextlib.contextmanager
def in_use(cache: Cache, reporter: Reporter) -> Iterator[None]:
    """Hold the cache as one of any number of builders; waits only while something is removed."""
    cache.toolchains.resolve().mkdir(parents=True, exist_ok=True)  # what is not there is not locked
    with _locks(cache) as locks:
        for place, descriptor in locks:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                reporter.say(f"waiting: something is being removed from {place}")
                fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def exclusive(cache: Cache) -> Iterator[None]:
    """Hold the cache while no builder is at work on it, and none can start.

    Raises:
        MachineError: one is at work.
    """
    with _locks(cache) as locks:
        for place, descriptor in locks:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise MachineError(
                    f"a builder is at work on {place}",
                    remedy="wait until it has ended, or stop it, and run the same command again",
                ) from error
        yield


@contextlib.contextmanager
def _locks(cache: Cache) -> Iterator[list[tuple[Path, int]]]:
    """What is locked, in this order, each with its open descriptor: the cache, its toolchains.

    The folder of toolchains may be a link, to another cache's for one, and then several caches have
    it: it is locked itself, whatever path leads to it.
    """
    # flock has shared locks, and the kernel lets go of them however a process dies.
    cache.locks.mkdir(parents=True, exist_ok=True)
    files = [(cache.root, cache.locks / CACHE_LOCK, os.O_RDWR | os.O_CREAT)]
    toolchains = cache.toolchains.resolve()
    if toolchains.is_dir():
        files.append((toolchains, toolchains, os.O_RDONLY | os.O_DIRECTORY))
    with contextlib.ExitStack() as stack:
        found = []
        for place, path, flags in files:
            descriptor = os.open(path, flags | os.O_CLOEXEC, 0o644)
            stack.callback(os.close, descriptor)
            found.append((place, descriptor))
        yield found


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _removal(path: Path, why: str) -> Removal:
    size = measure(path)[0] if path.is_dir() else path.lstat().st_blocks * 512
    return Removal(path=path, why=why, size=size)
