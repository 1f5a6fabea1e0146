"""Files into the index: some wheels by name, or a whole folder compared with the ledger."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from index.batches import BATCH, batched, spread
from index.errors import EntryError
from index.facts import Facts, record_path
from index.ledger.settings import Settings
from index.model import check_filename
from index.site.compare import candidates, compare, refusal
from index.site.intake import (
    Candidate,
    Pin,
    parse_record,
    plain_file,
    read_candidate,
    take,
)
from index.site.placing import Placing
from index.site.site import Site
from index.wheels import sha256_file


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
        step: Told how many of how many new files were read.

    Raises:
        EntryError: wheels are missing, are others than the index has, or are not right.
        LedgerError: the ledger is broken, or refuses a file.
    """
    found = compare(site, dist, records_only=placing.folder is None)
    total = len(found.new)
    site.state.check_new(found.new)
    wheels = candidates(dist, found.new, lambda done: step(done, total))
    pins: list[Pin] = []
    site.append(take(wheels, placing, pins), checked=True)
    if found.new:
        # Not as they look now: they may have changed since they were read.
        site.state.set_stamps(str(dist.resolve()), found.stamps)
        site.state.commit()
    return Added(
        added=found.new, count=total, same=found.same, removed=found.removed, pins=tuple(pins)
    )


def build_records(
    site: Site,
    lines: Iterable[bytes],
    placing: Placing,
    *,
    step: Callable[[int, int | None], None] = lambda done, total: None,
) -> Added:
    """Add what is new in a list of records, one as JSON per line; their wheels are elsewhere.

    Raises:
        EntryError: a line is no record, or the index has other bytes under its name.
        LedgerError: the ledger is broken, or refuses a file.
    """
    total = 0
    same = array("q")
    pins: list[Pin] = []

    def new() -> Iterator[Candidate]:
        nonlocal total
        # What was handed on last may not be in the state yet.
        recent: deque[tuple[str, str]] = deque(maxlen=BATCH)
        before = site.state.count_wheels()
        for records in spread(batched(enumerate(lines, 1)), _records, alone=4):
            total += len(records)
            there = _digests(site, records) | dict(recent)
            for record in records:
                if _is_there(record, there.get(record.filename)):
                    same.append(hash(record.filename))
                    continue
                there[record.filename] = record.sha256
                recent.append((record.filename, record.sha256))
                yield Candidate(record=record, wheel=None)
            step(total, None)
        # Before the last is in: an error here takes all of them back.
        _check_whole(site, before, same)

    count = site.append(take(new(), placing, pins), checked=True)
    return Added(added=(), count=count, same=total - count, pins=tuple(pins))


def _records(lines: Iterable[tuple[int, bytes]]) -> list[Facts]:
    return [parse_record(line, f"line {number}") for number, line in lines]


def _check_whole(site: Site, before: int, same: Sequence[int]) -> None:
    """Refuse a list that lacks some of the wheels there were; ``same`` are its names' hashes."""
    known = set(same)
    if len(known) < before:
        raise refusal(
            f"{file.filename}: in the index, not in the list"
            for file in site.state.all_files()
            if file.kind == "wheel" and hash(file.filename) not in known
        )


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


def _digests(site: Site, records: Sequence[Facts]) -> dict[str, str]:
    """The sha256 of those of the records' files that are there, by name."""
    known = site.state.files_named([record.filename for record in records])
    return {name: file.sha256 for name, file in known.items() if file.gone is None}


def _is_there(record: Facts, sha256: str | None) -> bool:
    """Whether the index has a record's file.

    Args:
        record: The record.
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
