"""Wheels by the hundred thousand: read, judged and written out by every core, for one ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from index.batches import batched, spread
from index.errors import EntryError
from index.facts import RECORD_SUFFIX
from index.site.arrivals import Arrivals, arrivals
from index.site.compare import refusal
from index.site.intake import Candidate, Pin, parse_record, read_candidate, read_record_only, take
from index.site.listed import Stretch, stretches
from index.site.placing import Placing
from index.state.known import row_of

ALONE = 2
"""Tasks that are done before other processes are begun."""
PER_TASK = 16
"""New files of a folder read, hashed and checked at a time."""


def of_lines(lines: Iterable[bytes] | Path, placing: Placing) -> Iterator[Arrivals]:
    """The wheels of a list of records.

    Args:
        lines: Records, one as JSON per line; a file of them is read where it is judged.
        placing: Where the wheels are.

    Raises:
        EntryError: a line is no record.
    """
    import index.site.quick  # noqa: F401 -- here, once for all processes

    if isinstance(lines, Path):
        return spread(stretches(lines), partial(_of_stretch, placing), alone=ALONE)
    return spread(batched(enumerate(lines, 1)), partial(_of_some, placing), alone=ALONE)


def of_folder(
    dist: Path, names: Iterable[str], placing: Placing, step: Callable[[int], None]
) -> Iterator[Arrivals]:
    """The new files of a folder, each read, checked and put in place.

    Args:
        dist: The folder.
        names: Its new files.
        placing: Where they go.
        step: Told how many were read.

    Raises:
        EntryError: some are not what they say they are; all of them are named, after the last.
    """
    problems: list[str] = []
    number = 0
    work = partial(_of_files, dist, placing)
    for some, wrong in spread(batched(names, PER_TASK), work, alone=1):
        number += len(some.rows) + len(wrong)
        step(number)
        problems += wrong
        yield some
    if problems:
        raise refusal(problems)


def _of_stretch(placing: Placing, stretch: Stretch) -> Arrivals:
    lines = stretch.lines()
    try:
        return _of_some(placing, enumerate(lines))
    except EntryError:  # again, with the number of the line, which nobody needed so far
        return _of_some(placing, enumerate(lines, stretch.first()))


def _of_some(placing: Placing, lines: Iterable[tuple[int, bytes]]) -> Arrivals:
    from index.site.quick import Quick  # few commands have lists of records

    quick = Quick(placing)
    lengths: list[int] = []
    start = 0
    for number, line in lines:
        if not quick.take(line):
            record = parse_record(line, f"line {number}")
            for event in take([Candidate(record, None)], placing, quick.pins):
                quick.rows.append(row_of(event.record, event.url, event.uploaded))
                quick.text += event.dump()[:-1]
        end = len(quick.text)
        lengths.append(end - start)
        start = end
    return Arrivals(quick.rows, bytes(quick.text), lengths, quick.pins)


def _of_files(dist: Path, placing: Placing, names: Sequence[str]) -> tuple[Arrivals, list[str]]:
    """Some new files, and what is wrong with others."""
    found: list[Candidate] = []
    wrong: list[str] = []
    for name in names:
        wheel = dist / name
        try:
            if wheel.exists() or wheel.is_symlink():
                found.append(read_candidate(wheel))
            else:
                found.append(read_record_only(dist / (name + RECORD_SUFFIX)))
        except EntryError as error:
            wrong.append(error.message)
    return _taken(found, placing), wrong


def _taken(candidates: Iterable[Candidate], placing: Placing) -> Arrivals:
    pins: list[Pin] = []
    return arrivals(take(candidates, placing, pins), pins)
