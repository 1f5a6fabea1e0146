"""The one download door: artifacts in, verified files in the cache out."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import filelock

from builder.errors import FetchError
from builder.fetch.artifact import Artifact
from builder.fetch.crew import Tally, work_off
from builder.fetch.http import Client
from builder.fetch.licence import say_licence_once
from builder.fetch.location import PlaceError, StoppedError
from builder.fetch.part import Part, hash_file, require_space, writing
from builder.fetch.settings import FetchSettings
from builder.fetch.sources import Resolver
from builder.fetch.transfer import Transfer
from builder.paths import Cache
from builder.ui import Reporter
from index.files import copy_file

_verified: dict[Path, tuple[int, int, int]] = {}
"""Files whose hash this process has seen to be right, with what they looked like then."""

LOCK_POLL_SECONDS = 0.2


def fetch(
    artifact: Artifact,
    *,
    cache: Cache,
    reporter: Reporter,
    settings: FetchSettings | None = None,
) -> Path:
    """The artifact's verified file in the cache, downloaded if it is not there.

    Args:
        artifact: What is wanted.
        cache: Where it is kept.
        reporter: Where progress is shown.
        settings: How to fetch; None takes them from the environment.

    Raises:
        FetchError: no place gave the file with the right hash; every answer is listed.
        MachineError: the disk is full or cannot be written.
    """
    return fetch_all((artifact,), cache=cache, reporter=reporter, settings=settings)[artifact]


def fetch_all(
    artifacts: Iterable[Artifact],
    *,
    cache: Cache,
    reporter: Reporter,
    settings: FetchSettings | None = None,
) -> dict[Artifact, Path]:
    """The verified files of several artifacts, a few at a time; arguments as for `fetch`.

    The first failure stops the others; what they have so far is kept and gone on with next time.

    Raises:
        FetchError, MachineError: as for `fetch`.
    """
    wanted = tuple(dict.fromkeys(artifacts))
    settings = FetchSettings.from_environment() if settings is None else settings
    missing = [artifact for artifact in wanted if not file_path(artifact, cache).is_file()]
    say_licence_once(missing, cache=cache, reporter=reporter)
    require_space(cache.downloads, _bytes_to_come(missing, cache))
    fetcher = _Fetcher(cache=cache, reporter=reporter, settings=settings)
    label = wanted[0].filename if len(wanted) == 1 else f"{len(wanted)} downloads"
    total = sum(artifact.size or 0 for artifact in wanted)
    with (
        reporter.task(label, total=total or None, unit="bytes")
        if missing
        else contextlib.nullcontext()
    ) as task:
        paths = work_off(
            wanted, fetcher.one, fetcher.tally, fetcher.stop, task, workers=settings.workers
        )
    return dict(zip(wanted, paths, strict=True))


def file_path(artifact: Artifact, cache: Cache) -> Path:
    """Where the artifact's finished file lies: ``downloads/ab/<sha256>/<file name>``."""
    return cache.downloads / artifact.sha256[:2] / artifact.sha256 / artifact.filename


def cached(artifact: Artifact, *, cache: Cache) -> Path | None:
    """The artifact's file if the cache has it with the right hash, without any network."""
    path = file_path(artifact, cache)
    return path if _is_right(path, artifact.sha256) else None


def _bytes_to_come(missing: Iterable[Artifact], cache: Cache) -> int:
    """Bytes still to be downloaded, as far as sizes are known."""
    by_hash = {artifact.sha256: artifact for artifact in missing}
    return sum(
        max(0, (artifact.size or 0) - Part(folder=file_path(artifact, cache).parent).size)
        for artifact in by_hash.values()
    )


class _Fetcher:
    """What the workers of one call share."""

    def __init__(self, *, cache: Cache, reporter: Reporter, settings: FetchSettings) -> None:
        self.cache = cache
        self.reporter = reporter
        self.settings = settings
        self.resolver = Resolver(settings, warn=reporter.warn)
        self.tally = Tally()
        self.stop = threading.Event()

    def one(self, artifact: Artifact) -> Path:
        """One artifact's verified file, from the cache or from the first place that gives it."""
        path = file_path(artifact, self.cache)
        # Before the lock: nobody changes a finished file, and a reader need not wait for anyone.
        if not _is_right(path, artifact.sha256):
            with self._lock(artifact):
                self._bring(artifact, path)
        self.tally.set(artifact, path.stat().st_size, path.stat().st_size)
        return path

    def _bring(self, artifact: Artifact, path: Path) -> None:
        if path.exists():
            if _is_right(path, artifact.sha256):
                return  # somebody else brought it while we waited
            self.reporter.warn(f"{path} is damaged; it is downloaded again")
            path.unlink()
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            for sibling in path.parent.glob("[!.]*"):  # the same bytes under another name
                if _is_right(sibling, artifact.sha256):
                    copy_file(sibling, path)
                    return
        self._download(artifact, path)

    def _download(self, artifact: Artifact, path: Path) -> None:
        answers: list[str] = []
        with contextlib.closing(Client(self.settings)) as client:
            transfer = Transfer(
                artifact=artifact,
                part=Part(folder=path.parent),
                client=client,
                settings=self.settings,
                stop=self.stop,
                count=lambda done, total: self.tally.set(artifact, done, total),
            )
            for place in artifact.places:
                try:
                    for location in self.resolver.locations(place, artifact, client):
                        try:
                            _remember(transfer.take(location))
                            return
                        except PlaceError as error:
                            named = "" if location.url == place else f"{place} → "
                            answers.append(f"{named}{location.shown}: {error}")
                except PlaceError as error:
                    answers.append(f"{place}: {error}")
        raise _exhausted(artifact, path, answers)

    @contextlib.contextmanager
    def _lock(self, artifact: Artifact) -> Iterator[None]:
        """Hold the hash's lock: one builder, one thread downloads it."""
        with writing(self.cache.locks):
            self.cache.locks.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.cache.locks / f"download-{artifact.sha256}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            self.reporter.say(f"{artifact.filename}: waiting for another download of it to end")
            try:
                lock.acquire(poll_interval=LOCK_POLL_SECONDS, cancel_check=self.stop.is_set)
            except filelock.Timeout as error:
                raise StoppedError from error
        try:
            yield
        finally:
            lock.release()


def _is_right(path: Path, sha256: str) -> bool:
    """Whether the file is there with that hash; hashed once per process unless it changes."""
    try:
        looks = _looks(path)
        if _verified.get(path) == looks:
            return True
        if not path.is_file() or hash_file(path) != sha256:
            return False
    except OSError:
        return False
    _verified[path] = looks
    return True


def _remember(path: Path) -> None:
    _verified[path] = _looks(path)


def _looks(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _exhausted(artifact: Artifact, path: Path, answers: list[str]) -> FetchError:
    listed = "\n".join(f"    {answer}" for answer in answers)
    hints = ["check the network and run the same command again (it goes on where it stopped)"]
    if any(place.startswith("debian:") for place in artifact.places):
        hints.append("name a Debian mirror in BUILDER_DEBIAN_MIRROR")
    if any(place.startswith("pypi:") for place in artifact.places):
        hints.append("set pip's index (PIP_INDEX_URL)")
    if any("developer.download.nvidia.com" in place for place in artifact.places):
        hints.append("name a copy of NVIDIA's archive in BUILDER_NVIDIA_MIRROR")
    hints.append(f"put the file there yourself: {path}")
    return FetchError(
        f"{artifact.filename} (sha256 {artifact.sha256}) could not be had:\n{listed}",
        remedy="; or ".join(hints),
    )
