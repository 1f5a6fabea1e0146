"""Many small checks at once, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from index.check.findings import Finding

Job = Callable[[], Sequence[Finding]]
WAITING_PER_WORKER = 8


class Progress(Protocol):
    """Whoever shows a person how far it is."""

    def update(self, done: int, total: int | None = None, detail: str = "") -> None:
        """Set how much is done, of how much, and optionally what is being done right now."""


class Silence:
    """Shows nobody anything."""

    def update(self, done: int, total: int | None = None, detail: str = "") -> None:
        """Drop it."""


class Runner:
    """Runs jobs in threads; progress is told from the caller's thread.

    Args:
        workers: How many run at once.
        watch: Told after each.
        give_up: Called where it ends early, so that nobody waits long for those under way.
    """

    def __init__(self, workers: int, watch: Progress, give_up: Callable[[], None]) -> None:
        self._workers = workers
        self._watch = watch
        self._give_up = give_up
        self._done = 0

    def run(self, jobs: Iterable[Job], total: int | None = None) -> Iterator[Finding]:
        """The findings of every job, in no order; jobs are made only as fast as they are run."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="check")
        try:
            waiting: set[Future[Sequence[Finding]]] = set()
            for job in jobs:
                waiting.add(pool.submit(job))
                if len(waiting) >= self._workers * WAITING_PER_WORKER:
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from self._take(finished, total)
            for future in waiting:
                yield from self._take({future}, total)
        except BaseException:
            self._give_up()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _take(
        self, finished: Iterable[Future[Sequence[Finding]]], total: int | None
    ) -> Iterator[Finding]:
        for future in finished:
            self._done += 1
            self._watch.update(self._done, total)
            yield from future.result()
