"""Files into the index: some wheels by name, or a whole folder compared with the ledger."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import EntryError
from index.facts import Facts, record_path
from index.ledger.settings import Settings
from index.naming import check_filename
from index.site.compare import compare, refusal
from index.site.intake import Pin, parse_record, plain_file, read_candidate, take
from index.site.placing import Placing
from index.site.site import Site
from index.state.state import Known
from index.wheels import sha256_file

if TYPE_CHECKING:
    from index.site.arrivals import Arrivals
    from index.state.view import Taken

_AT_ONCE = 200_000
"""Numbers in one set, at about 80 bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What came of it, by file name.

    Attributes:
        added: New files, as far as they are listed one by one.
        count: How many are new.
        same: How many the index had already.
        removed: Files that were removed from the index before and were left out.
        pins: What the new files need that no other index can have.
    """

    added: tuple[str, ...]
    count: int
    same: int
    removed: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()


def configure(site: Site, settings: Settings, *, at: str | None = None) -> bool:
    """Remember settings, where they are others than before; whether they were."""
    if settings == site.settings:
        return False
    from index.ledger import Configure

    return bool(site.append([Configure(settings=settings, at=at)]))


def add_wheels(site: Site, wheels: Sequence[Path], placing: Placing) -> Added:
    """Add wheels, each with the record beside it or one made from the wheel.

    A wheel the index has, byte for byte, is left alone; one that was removed comes back.

    Raises:
        EntryError: a wheel or its record is not right, or the index has other bytes under its
            name. Nothing is added then, of none of them.
        LedgerError: the ledger is broken, or refuses the file.
    """
    new, same = [], 0
    for wheel in wheels:
        check_filename(wheel.name)
        if _is_known(site, wheel):
            same += 1
        else:
            new.append(wheel)
    # All are read before the first is copied: an error leaves the site as it was.
    found = [read_candidate(wheel) for wheel in new]
    site.state.check_new(wheel.name for wheel in new)
    if placing.folder is not None and len(found) > 1:
        from index.site.judged import judge

        judge(found, placing, placing.folder)
    pins: list[Pin] = []
    site.append(take(found, placing, pins), checked=True)
    names = tuple(candidate.record.filename for candidate in found)
    return Added(added=names, count=len(names), same=same, pins=tuple(pins))


def build_folder(
    site: Site,
    dist: Path,
    placing: Placing,
    *,
    step: Callable[[int, int | None], None] = lambda done, total: None,
) -> Added:
    """Add what is new in a folder that must have every wheel the index has.

    Args:
        site: The site.
        dist: Wheels with their records beside them; records alone where the wheels are elsewhere.
        placing: Where the wheels go.
        step: Told how many of how many new files were read, and then how many were copied.

    Raises:
        EntryError: wheels are missing, are others than the index has, or are not right. Nothing
            was copied then.
        LedgerError: the ledger is broken, or refuses a file.
    """
    found = compare(site, dist, records_only=placing.folder is None)
    total = len(found.new)
    site.state.check_new(found.new)
    pins: list[Pin] = []

    def new() -> Iterator[tuple[Arrivals, dict[str, Taken]]]:
        for some in _of_folder(dist, found.new, placing, lambda done: step(done, total)):
            pins.extend(some.pins)
            yield some, site.state.taken([row[0] for row in some.rows])

    site.append_arrivals(new())
    if found.new:
        # Not as they look now: they may have changed since they were read.
        site.state.set_stamps(str(dist.resolve()), found.stamps)
        if not found.removed:
            site.state.set_looks(str(dist.resolve()), found.looks)
        site.state.commit()
    return Added(
        added=found.new, count=total, same=found.same, removed=found.removed, pins=tuple(pins)
    )


def _of_folder(
    dist: Path, names: Sequence[str], placing: Placing, step: Callable[[int], None]
) -> Iterator[Arrivals]:
    if placing.folder is None:
        from index.site.bulk import of_folder

        return of_folder(dist, names, placing, step)
    from index.site.judged import judge_and_copy

    return judge_and_copy(dist, names, placing, placing.folder, step)


def build_records(
    site: Site,
    lines: Iterable[bytes] | Path,
    placing: Placing,
    *,
    step: Callable[[int, int | None], None] = lambda done, total: None,
) -> Added:
    """Add what is new in a list of records, one as JSON per line; their wheels are elsewhere.

    Args:
        site: The site.
        lines: The lines, or the file they stand in.
        placing: Where the wheels are.
        step: Told how many records were read.

    Raises:
        EntryError: a line is no record, or the index has other bytes under its name.
        LedgerError: the ledger is broken, or refuses a file.
    """
    total = 0
    same = array("q")
    pins: list[Pin] = []

    def new() -> Iterator[tuple[Arrivals, dict[str, Taken]]]:
        nonlocal total
        from index.site.bulk import of_lines

        before = site.state.count_wheels()
        for some in of_lines(lines, placing):
            total += len(some.rows)
            there = site.state.taken([row[0] for row in some.rows])
            some = _new_ones(some, there, same)
            pins.extend(some.pins)
            if some.rows:
                yield some, there
            step(total, None)
        # Before the last is in: an error here takes all of them back.
        _check_whole(site, before, same)

    count = site.append_arrivals(new())
    return Added(added=(), count=count, same=total - count, pins=tuple(pins))


def _new_ones(some: Arrivals, there: dict[str, Taken], same: array[int]) -> Arrivals:
    """The wheels that the index does not have.

    Args:
        some: Wheels.
        there: What `State.taken` says of their names.
        same: Gets the hashes of the names that the index has.

    Raises:
        EntryError: the index, or another of these wheels, has other bytes under the same name.
    """
    if not there and len({row[0] for row in some.rows}) == len(some.rows):
        return some
    digests = {name: sha256 for name, sha256, gone in there.values() if gone is None}
    wanted = []
    for number, row in enumerate(some.rows):
        known = Known._make((*row[1:], 0, 0))
        if _is_there(known, digests.get(known.filename)):
            same.append(hash(known.filename))
        else:
            digests[known.filename] = known.sha256
            wanted.append(number)
    return some.only(wanted)


def _check_whole(site: Site, before: int, same: Sequence[int]) -> None:
    """Refuse a list that lacks some of the wheels there were; ``same`` are its names' hashes."""
    if _distinct(same) < before:
        known = set(same)
        raise refusal(
            f"{file.filename}: in the index, not in the list"
            for file in site.state.all_files()
            if file.kind == "wheel" and hash(file.filename) not in known
        )


def _distinct(numbers: Sequence[int]) -> int:
    """How many of them differ; a few at a time, because a set of all takes the most memory here."""
    parts = 1 + len(numbers) // _AT_ONCE
    return sum(len({one for one in numbers if one % parts == part}) for part in range(parts))


def _is_known(site: Site, wheel: Path) -> bool:
    """Whether the index has this very file; it is not opened where it looks as it did then.

    Raises:
        EntryError: the index has other bytes under its name.
    """
    known = site.state.file(wheel.name)
    if known is None:
        return False
    plain_file(wheel)
    if wheel.stat().st_size == known.size and sha256_file(wheel) == known.sha256:
        if known.gone is not None:
            return False
        beside = record_path(wheel)
        if beside.is_file():
            record = parse_record(beside.read_bytes(), beside.name)
            return _is_there(record, known.sha256)
        return True
    raise EntryError(
        f"{wheel.name}: the index has other bytes under that name",
        remedy="raise the recipe's revision: a published name never changes",
    )


def _is_there(record: Facts | Known, sha256: str | None) -> bool:
    """Whether the index has a record's file.

    Args:
        record: The record, or what the state will know of it.
        sha256: Of the file that the index has under that name, or None.

    Raises:
        EntryError: the index has other bytes under that name.
    """
    if sha256 is not None and sha256 != record.sha256:
        raise EntryError(
            f"{record.filename}: the index has other bytes under that name",
            remedy="raise the recipe's revision: a published name never changes",
        )
    return sha256 is not None
