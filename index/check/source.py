"""Where a site is read from, as one interface: a folder, or the web."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

LONGEST_PAGE = 256 * 1024 * 1024
"""Bytes of a page or of a small file read at most."""


class Missing(Exception):
    """There is nothing at a place."""


class Unreadable(Exception):
    """Nobody can say what is at a place: no such host, no answer, no permission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A small file, whole.

    Attributes:
        data: Its bytes.
        kind: Its media type as served, or None from a disk.
        place: Where it really came from.
    """

    data: bytes
    kind: str | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file's bytes, for as long as the block lasts.

    Attributes:
        path: The file on this disk.
        size: Bytes.
        sha256: Of them.
    """

    path: Path
    size: int
    sha256: str


class Source(Protocol):
    """A site, and the files it names elsewhere.

    A path is relative to the site and not quoted (``cu124/index.html``, ``../wheels/X.whl``), or an
    absolute address. Each method raises `Missing` or `Unreadable`.
    """

    def give_up(self) -> None:
        """Let what other threads fetch break off: nobody waits for it any more."""

    def place(self, path: str) -> str:
        """The path as a person would look for it."""

    def read(self, path: str) -> Answer:
        """A small file."""

    def size(self, path: str) -> int:
        """How many bytes a file has, without reading it."""

    def fetch(self, path: str, size: int) -> contextlib.AbstractContextManager[Fetched]:
        """A file of about that size, read whole; one that goes on after it is given up."""


class Folder:
    """A site in a folder; what it names elsewhere comes from ``web``."""

    def __init__(self, root: Path, web: Source) -> None:
        self.root = root
        self._real = root.resolve()
        self._web = web

    def give_up(self) -> None:
        """Let what comes from elsewhere break off."""
        self._web.give_up()

    def place(self, path: str) -> str:
        """A path in the folder, or the address as it stands."""
        return self._web.place(path) if "://" in path else str(self.root / path)

    def read(self, path: str) -> Answer:
        """A small file from the folder, or from elsewhere."""
        if path.startswith("http"):
            return self._web.read(path)
        file = self._find(path)
        with _told(path), file.open("rb") as stream:
            data = stream.read(LONGEST_PAGE + 1)
        if len(data) > LONGEST_PAGE:
            raise Unreadable(f"more than {LONGEST_PAGE} bytes")
        return Answer(data=data, kind=None, place=str(file))

    def size(self, path: str) -> int:
        """The file's size as the disk tells it."""
        if path.startswith("http"):
            return self._web.size(path)
        with _told(path):
            return self._find(path).stat().st_size

    @contextlib.contextmanager
    def fetch(self, path: str, size: int) -> Iterator[Fetched]:
        """The file where it lies."""
        if path.startswith("http"):
            with self._web.fetch(path, size) as fetched:
                yield fetched
            return
        file = self._find(path)
        with _told(path), file.open("rb") as stream:
            length = file.stat().st_size
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        yield Fetched(path=file, size=length, sha256=digest)

    def _find(self, path: str) -> Path:
        inside = not path.startswith(("../", "file:"))
        file = local_path(path) if path.startswith("file:") else self.root / path
        with _told(path):
            if not file.is_file():
                raise Missing("a folder" if file.is_dir() else "nothing")
            if inside and not file.resolve().is_relative_to(self._real):
                raise Missing(f"a symbolic link out of the site, to '{file.resolve()}'")
        return file


def local_path(url: str) -> Path:
    """The path that a ``file:`` address names.

    Raises:
        Unreadable: it names another machine.
    """
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise Unreadable(f"a file: address of another machine, '{parts.netloc}'")
    return Path(url2pathname(parts.path))


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise Missing("nothing") from error
    except OSError as error:
        raise Unreadable(f"'{path}': {error.strerror or error}") from error
    except ValueError as error:  # a NUL in a name
        raise Missing(str(error)) from error
