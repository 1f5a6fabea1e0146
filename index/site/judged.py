"""Wheels that go into a site's folder: every one is judged before the first is copied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from index.batches import batched, spread
from index.errors import EntryError
from index.ledger.plain import PlainAdd
from index.site.arrivals import Arrivals, arrivals
from index.site.compare import refusal
from index.site.intake import (
    Candidate,
    Pin,
    address_of,
    attestations_of,
    is_in_place,
    read_candidate,
    record_beside,
    take,
)
from index.site.placing import Placing
from index.wheels import facts_of_wheel

PER_TASK = 16
"""Wheels of a folder read, hashed and checked, or copied, at a time."""


def judge(found: Sequence[Candidate], placing: Placing, folder: Path) -> bytes:
    """See that `take` will refuse none; nothing is put in place.

    Args:
        found: Wheels with their records, checked.
        placing: Where they will go.
        folder: The folder that they will be copied into.

    Returns:
        A digest over all that the ledger will say of them.

    Raises:
        EntryError: `take` would refuse one.
    """
    for candidate in found:
        is_in_place(candidate.record, folder / candidate.record.filename)
    return _seal(found, placing)


def judge_and_copy(
    dist: Path,
    names: Sequence[str],
    placing: Placing,
    folder: Path,
    step: Callable[[int], None],
) -> Iterator[Arrivals]:
    """The new wheels of a folder, each read and checked; then each put in place.

    A wheel's own bytes are hashed once, and its copy's once.

    Args:
        dist: The folder.
        names: Its new wheels.
        placing: Where they go.
        folder: The folder that they are copied into.
        step: Told how many were read, and then how many were copied.

    Raises:
        EntryError: some are not what they say they are: all of them are named, and nothing was
            copied. Or one changed meanwhile.
    """
    judged: list[bytes] = []
    problems: list[str] = []
    number = 0
    work = partial(_judged, dist, placing, folder)
    for count, seal, wrong in spread(batched(names, PER_TASK), work, alone=1):
        number += count
        step(number)
        judged.append(seal)
        problems += wrong
    if problems:
        raise refusal(problems)
    number = 0
    tasks = zip(batched(names, PER_TASK), judged, strict=True)
    for some in spread(tasks, partial(_copied, dist, placing), alone=1):
        number += len(some.rows)
        step(number)
        yield some


def _judged(
    dist: Path, placing: Placing, folder: Path, names: Sequence[str]
) -> tuple[int, bytes, list[str]]:
    """How many wheels were read, a digest over what is said of them, and what is wrong."""
    found: list[Candidate] = []
    wrong: list[str] = []
    for name in names:
        try:
            found.append(read_candidate(dist / name))
        except EntryError as error:
            wrong.append(error.message)
    return len(names), judge(found, placing, folder), wrong


def _copied(dist: Path, placing: Placing, task: tuple[Sequence[str], bytes]) -> Arrivals:
    """Wheels that were judged, put in place: their copies are held against their records."""
    names, judged = task
    wheels = [dist / name for name in names]
    found = [Candidate(record_beside(wheel) or facts_of_wheel(wheel), wheel) for wheel in wheels]
    if _seal(found, placing) != judged:
        raise EntryError(
            f"'{dist}' changed while it was read",
            remedy="run the same command again when nobody writes to it",
        )
    pins: list[Pin] = []
    return arrivals(take(found, placing, pins), pins)


def _seal(found: Iterable[Candidate], placing: Placing) -> bytes:
    """A digest over all that the ledger will say of wheels."""
    return hashlib.sha256(arrivals(_expected(found, placing), []).text).digest()


def _expected(found: Iterable[Candidate], placing: Placing) -> Iterator[PlainAdd]:
    """What `take` will hand on."""
    for record, wheel in found:
        url = address_of(record, placing)
        attested = wheel is not None and attestations_of(wheel) is not None
        yield PlainAdd(url, placing.uploaded, record, attested)
