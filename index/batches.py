"""Long streams taken some hundreds at a time: a statement for each item would cost most of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

BATCH = 500
"""Items in one statement; SQLite takes 999 values at the least."""
_Item = TypeVar("_Item")


def batched(items: Iterable[_Item], size: int = BATCH) -> Iterator[list[_Item]]:
    """The items in lists of ``size``, the last one shorter; nothing is read ahead."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
