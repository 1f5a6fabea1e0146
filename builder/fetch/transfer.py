"""From one address to a verified file: attempts, waits, going on where it broke off."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builder.fetch.artifact import Artifact
from builder.fetch.http import CHUNK, Client, RangeRefusedError, Stream
from builder.fetch.location import Location, PermanentError, StoppedError, TransientError
from builder.fetch.part import Part, hash_file, require_space, write_all, writing
from builder.fetch.settings import FetchSettings

Count = Callable[[int, int | None], None]
"""Called with the bytes there are and, where known, the bytes there will be."""

REAL_PROGRESS = 1024 * 1024
ENDLESS_FACTOR = 2
UNREACHED_ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One artifact being brought into one folder, by whoever holds its lock."""

    artifact: Artifact
    part: Part
    client: Client
    settings: FetchSettings
    stop: threading.Event
    count: Count

    def take(self, location: Location) -> Path:
        """The finished file from this address, after as many attempts as make sense.

        Raises:
            PermanentError: this address does not give it; its part stays for the next one.
            MachineError: this machine cannot store it.
            StoppedError: somebody wants us to stop; the part stays.
        """
        failures, furthest, restarted = 0, self.part.size, False
        while True:
            resumed = self.part.size > 0
            try:
                return self._attempt(location)
            except _WrongBytesError as error:
                self.part.drop()
                if not resumed or restarted:
                    raise PermanentError(str(error)) from error
                restarted = True  # the old part may be to blame: once more from the start
                continue
            except TransientError as error:
                if self.part.size >= furthest + REAL_PROGRESS:
                    failures = 0  # a shaky line that still brings us on is not a failing one
                furthest = max(furthest, self.part.size)
                failures += 1
                limit = self.settings.attempts if error.reached else UNREACHED_ATTEMPTS
                if failures >= limit:
                    times = f" ({failures} attempts)" if failures > 1 else ""
                    raise PermanentError(f"{error}{times}") from error
                self._wait(error, failures)

    def _wait(self, error: TransientError, failures: int) -> None:
        seconds = self.settings.backoff * 2 ** (failures - 1)
        if error.wait is not None:
            seconds = max(seconds, error.wait)
        if self.stop.wait(min(seconds, self.settings.longest_wait)):
            raise StoppedError

    def _attempt(self, location: Location) -> Path:
        size = self.part.size
        if size > 0 and size == self.artifact.size:
            return self._finish_whole("the bytes kept from before")
        validator = self.part.validator(location.url) if size else None
        try:
            with self.client.open(location, start=size, validator=validator) as stream:
                digest, total = self._receive(location, stream)
        except RangeRefusedError:
            if size == 0:
                raise  # refused though nothing of the kind was asked
            # Nothing after what we have: it may be all there is (killed just before the rename).
            return self._finish_whole("the bytes kept from before")
        expected = self.artifact.size if total is None else total
        if expected is not None and self.part.size < expected:
            raise TransientError(f"cut short after {self.part.size} of {expected} bytes")
        return self._finish(digest, location.shown)

    def _receive(self, location: Location, stream: Stream) -> tuple[str, int | None]:
        """Write the stream behind what is there; the hash of the whole, and the length promised."""
        artifact, at = self.artifact, stream.start
        total = artifact.size if stream.total is None else stream.total
        if total is not None:
            require_space(self.part.folder, total - at)
        digest = hashlib.sha256()
        with self.part.open(at) as file:
            self.part.remember(location.url, stream.validator)
            if at > 0:
                file.seek(0)
                while block := file.read(CHUNK):
                    digest.update(block)
            for chunk in stream.chunks:
                if self.stop.is_set():
                    raise StoppedError
                missing = None if total is None else total - at
                with writing(self.part.folder, missing=missing):
                    write_all(file, chunk)
                digest.update(chunk)
                at += len(chunk)
                self.count(at, total)
                if artifact.size and at > ENDLESS_FACTOR * artifact.size + REAL_PROGRESS:
                    raise _WrongBytesError(f"sent far more than {artifact.size} bytes")
        return digest.hexdigest(), stream.total

    def _finish_whole(self, what: str) -> Path:
        return self._finish(hash_file(self.part.path), what)

    def _finish(self, digest: str, what: str) -> Path:
        if digest != self.artifact.sha256:
            raise _WrongBytesError(
                f"wrong bytes: sha256 {digest} ({self.part.size} bytes) from {what}"
            )
        return self.part.finish(self.artifact.filename)


class _WrongBytesError(Exception):
    """What was received is whole and is not what was pinned."""
