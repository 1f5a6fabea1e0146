"""Putting pages in place: only those whose bytes are others, and flushed to disk in the end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO

from index.files import atomic_file, sync_all, sync_file, sync_folder, write_pieces

FLUSH_EACH = 64
"""Pages flushed to disk one by one; for more, their whole file system is."""
_CHUNK = 1024 * 1024


@dataclass(slots=True)
class Written:
    """What a rendering did: paths relative to the site.

    Attributes:
        pages: Written, because their bytes were others.
        unchanged: How many were looked at and left alone.
        removed: Taken away.
        deleted: Names of files whose bytes went, which were removed from the index.
    """

    pages: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def add(self, other: Written) -> None:
        """Count another's part in."""
        self.pages += other.pages
        self.unchanged += other.unchanged
        self.removed += other.removed
        self.deleted += other.deleted


class Writer:
    """Writes pages into a site's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._place = str(folder.absolute())
        self.done = Written()

    def write(self, path: str, *content: str | bytes) -> None:
        """Write a page, piece after piece, where its bytes are others; not yet flushed to disk."""
        pieces = [one.encode() if isinstance(one, str) else one for one in content]
        target = f"{self._place}/{path}"
        if _holds(target, pieces):
            self.done.unchanged += 1
            return
        write_pieces(target, pieces)
        self.done.pages.append(path)

    def write_parts(self, path: str, parts: Iterable[str]) -> None:
        """As `write`, of a page that is made part by part: no more of it is held."""
        target = self._folder / path
        source = (part.encode() for part in parts)
        with _opened(target) as old:
            same, first = _alike(old, source)
            if first is None and not old.read(1):
                self.done.unchanged += 1
                return
            with atomic_file(target, flush=False) as new:
                old.seek(0)
                while same:
                    part = old.read(min(same, _CHUNK))
                    new.write(part)
                    same -= len(part)
                new.write(first or b"")
                new.writelines(source)
        self.done.pages.append(path)

    def remove(self, paths: Sequence[str]) -> None:
        """Delete pages, and folders that nothing is left in."""
        for path in paths:
            target = self._folder / path
            if not target.is_file():
                continue
            target.unlink()
            self.done.removed.append(path)
            folder = target.parent
            while folder != self._folder and not any(folder.iterdir()):
                folder.rmdir()
                folder = folder.parent

    def finish(self) -> None:
        """Flush what was written to disk."""
        if len(self.done.pages) > FLUSH_EACH:
            sync_all({f"{self._place}/{path}".rpartition("/")[0] for path in self.done.pages})
            return
        for path in self.done.pages:
            sync_file(self._folder / path)
        for folder in _folders(self.done.pages):
            sync_folder(self._folder / folder)


def _holds(path: str, pieces: Sequence[bytes]) -> bool:
    """Whether a file is there and these are its bytes; those of another size are not read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        size = sum(map(len, pieces))
        return os.fstat(descriptor).st_size == size and file.read() == b"".join(pieces)


def _opened(path: Path) -> IO[bytes]:
    """The page as it stands, or an empty one."""
    try:
        return path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return BytesIO()


def _alike(old: IO[bytes], parts: Iterator[bytes]) -> tuple[int, bytes | None]:
    """How many bytes of a file the parts begin with, and the first part that is another."""
    same = 0
    for part in parts:
        if old.read(len(part)) != part:
            return same, part
        same += len(part)
    return same, None


def _folders(paths: Iterable[str]) -> list[str]:
    """Every folder, up to the site's own, that a page was put into, deepest first."""
    found = {str(folder) for path in paths for folder in Path(path).parents}
    return sorted(found, key=len, reverse=True)
