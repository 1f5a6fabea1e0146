"""Long streams taken some hundreds at a time: a statement for each item would cost most of all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

BATCH = 500
"""Items in one statement; SQLite takes 999 values at the least."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def batched(items: Iterable[_Item], size: int = BATCH) -> Iterator[list[_Item]]:
    """The items in lists of ``size``, the last one shorter; nothing is read ahead."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def spread(
    tasks: Iterable[_Item], work: Callable[[_Item], _Result], *, alone: int
) -> Iterator[_Result]:
    """The result of each task, in order; beyond the first few of them, every core does its part.

    Args:
        tasks: What there is to do; taken as it is needed.
        work: Does one; beyond the first few in a forked process (see `index.site.crew`).
        alone: Tasks that this process does itself: to begin with others takes longer.
    """
    source = iter(tasks)
    yield from map(work, islice(source, alone))
    workers = len(os.sched_getaffinity(0))
    for first in islice(source, 1):
        if workers > 1:
            from index.site.crew import share_out  # seldom needed, and not imported in no time

            yield from share_out(chain([first], source), work, workers=workers)
        else:
            yield from map(work, chain([first], source))
