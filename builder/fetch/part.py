"""A download under way: bytes so far, kept per hash so that the next run goes on from there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builder.disk import FULL, free_bytes
from builder.errors import MachineError
from index.files import sync_folder

BLOCK = 1024 * 1024
RESERVE = 16 * 1024 * 1024
"""Bytes that must stay free beside a download, for everybody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The unfinished file in a hash's folder. Whoever uses it holds the hash's lock."""

    folder: Path

    @property
    def path(self) -> Path:
        """The bytes so far."""
        return self.folder / ".download.part"

    @property
    def note(self) -> Path:
        """Which version of which address they are from; lost or damaged, it is done without."""
        return self.folder / ".download.part.json"

    @property
    def size(self) -> int:
        """Bytes so far."""
        try:
            return self.path.stat().st_size
        except OSError:  # what is in the way shows when it is written to
            return 0

    def validator(self, url: str) -> str | None:
        """What names the version these bytes are from, if they are from ``url``."""
        try:
            note = json.loads(self.note.read_text())
            value = note["validator"] if note["url"] == url else None
        except (OSError, ValueError, LookupError, TypeError):
            return None
        return value if isinstance(value, str) else None

    def remember(self, url: str, validator: str | None) -> None:
        """Note where the bytes come from."""
        with writing(self.folder):
            self.note.write_text(json.dumps({"url": url, "validator": validator}))

    def drop(self) -> None:
        """Throw the bytes away."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def open(self, start: int) -> IO[bytes]:
        """The file, cut to ``start`` bytes and open for writing after them."""
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            file = os.fdopen(descriptor, "r+b", buffering=0)
            file.truncate(start)
            file.seek(start)
            return file

    def finish(self, filename: str) -> Path:
        """Make the bytes, whose hash was right, the finished file."""
        final = self.folder / filename
        with writing(self.folder):
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
            self.path.replace(final)
            sync_folder(self.folder)
        self.note.unlink(missing_ok=True)
        return final


def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_all(file: IO[bytes], data: bytes) -> None:
    """Write everything: an unbuffered file may take less than it is given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


@contextlib.contextmanager
def writing(folder: Path, *, missing: int | None = None) -> Iterator[None]:
    """Turn the trouble of writing below ``folder`` into a MachineError that says what to do.

    Args:
        folder: Where is written.
        missing: Bytes that are still to come, if known.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise disk_full(folder, missing) from error
        raise MachineError(
            f"cannot write to '{folder}': {error.strerror or error}",
            remedy="mend that folder, or name another with --cache-dir or BUILDER_CACHE_DIR",
        ) from error


def disk_full(folder: Path, missing: int | None) -> MachineError:
    """The error for a full disk: which folder, and how much is missing."""
    much = "" if missing is None else f", {megabytes(missing)} more needed"
    return MachineError(
        f"no space left on the disk of '{folder}'{much}",
        remedy="free some space (`builder cache prune`) or name another folder with --cache-dir or "
        "BUILDER_CACHE_DIR; what was downloaded is kept and not downloaded again",
    )


def require_space(folder: Path, needed: int) -> None:
    """Refuse to start what cannot fit.

    Raises:
        MachineError: fewer than ``needed`` bytes (and a reserve) are free where ``folder`` lies.
    """
    free = free_bytes(folder)
    if needed > 0 and free < needed + RESERVE:
        raise disk_full(folder, needed + RESERVE - free)


def megabytes(count: int) -> str:
    """``"12.3 MB"``, rounded up so that it is never said too small."""
    return f"{-(-count // 100_000) / 10:.1f} MB"
