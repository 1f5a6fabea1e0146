"""A few workers at once, one progress task for all of them, and a prompt end on Ctrl-C."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from builder.fetch.artifact import Artifact
from builder.fetch.location import StoppedError
from builder.ui import Task

TICK_SECONDS = 0.1
FAREWELL_SECONDS = 2.0


class Tally:
    """Bytes done and to be done, counted by every worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Artifact, tuple[int, int | None]] = {}

    def set(self, artifact: Artifact, done: int, total: int | None) -> None:
        """Note how far one artifact is."""
        with self._lock:
            self._counts[artifact] = (done, total)

    def sum(self, artifacts: Sequence[Artifact]) -> tuple[int, int | None]:
        """Bytes done, and bytes in all where every artifact's size is known by now."""
        with self._lock:
            counts = dict(self._counts)
        done, total, complete = 0, 0, True
        for artifact in artifacts:
            have, size = counts.get(artifact, (0, artifact.size))
            done += have
            complete = complete and size is not None
            total += size or 0
        return done, total if complete else None


def work_off(
    artifacts: Sequence[Artifact],
    one: Callable[[Artifact], Path],
    tally: Tally,
    stop: threading.Event,
    task: Task | None,
    *,
    workers: int,
) -> list[Path]:
    """Call ``one`` for every artifact in up to ``workers`` threads; the results in order.

    The first error, or an interrupt, sets ``stop``, waits a moment for the workers and is raised.
    They are daemons: one that hangs in a system call keeps nobody from leaving.
    """
    jobs: queue.SimpleQueue[tuple[int, Artifact]] = queue.SimpleQueue()
    results: dict[int, Path] = {}
    errors: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    for number, artifact in enumerate(artifacts):
        jobs.put((number, artifact))

    def work() -> None:
        while not stop.is_set():
            try:
                number, artifact = jobs.get_nowait()
            except queue.Empty:
                return
            try:
                results[number] = one(artifact)
            except BaseException as error:  # raised again in the caller's thread
                errors.put(error)
                stop.set()

    crew = [
        threading.Thread(target=work, daemon=True, name=f"fetch-{number}")
        for number in range(max(1, min(workers, len(artifacts))))
    ]
    for thread in crew:
        thread.start()
    try:
        while not stop.is_set():
            alive = next((thread for thread in crew if thread.is_alive()), None)
            if alive is None:
                break
            alive.join(TICK_SECONDS)
            if task is not None:
                done, total = tally.sum(artifacts)
                task.update(done, total)
    finally:
        stop.set()
        end = time.monotonic() + FAREWELL_SECONDS  # for all of them together
        for thread in crew:
            thread.join(max(0.0, end - time.monotonic()))
    _raise_first(errors)
    return [results[number] for number in range(len(artifacts))]


def _raise_first(errors: queue.SimpleQueue[BaseException]) -> None:
    """Raise the first real error; StoppedError is only its echo in the other workers."""
    echo: BaseException | None = None
    while not errors.empty():
        error = errors.get()
        if not isinstance(error, StoppedError):
            raise error
        echo = error
    if echo is not None:
        raise echo
