"""What a folder of wheels holds for an index whose wheels lie on releases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

from index.errors import EntryError
from index.ledger import Line, PlainAdd, seal_event
from index.publish.assets import Asset
from index.publish.plan import Refused, raise_refused
from index.site.intake import (
    METADATA_SUFFIX,
    PROVENANCE_SUFFIX,
    Candidate,
    read_candidate,
    read_provenance,
    take,
)
from index.site.placing import Placing
from index.site.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What should be on releases, and what the ledger will say of it.

    Attributes:
        assets: Every file that should be there.
        events: What is new for the ledger.
        same: How many wheels the ledger names already.
        left_out: Wheels that stay where they are: name and reason.
    """

    assets: tuple[Asset, ...]
    events: tuple[PlainAdd, ...]
    same: int
    left_out: tuple[tuple[str, str], ...]


def gather(site: Site, dist: Path, placing: Placing, *, needed: bool = True) -> Wanted:
    """Read a folder of wheels and hold it against the ledger; nothing is changed.

    Args:
        site: The site.
        dist: The folder: wheels, each with the record beside it or none.
        placing: From where they will be fetched: no folder, and an address whose last part is the
            release's tag.
        needed: Whether there must be a wheel.

    Raises:
        PublishError: some wheels cannot be published; each is named.
        EntryError: there is none, or a profile nobody should publish.
        LedgerError: the ledger would refuse them.
    """
    wheels = sorted(dist.glob("*.whl"))
    if needed and not wheels:
        raise EntryError(f"there is no wheel in '{dist}'")
    assets: list[Asset] = []
    new: list[Candidate] = []
    attested: set[str] = set()
    left_out: list[tuple[str, str]] = []
    refused: list[Refused] = []
    for wheel in wheels:
        try:
            candidate = read_candidate(wheel)
            why, known = _standing(site, candidate, placing)
            if why is not None:
                left_out.append((wheel.name, why))
                continue
            provenance = _provenance(site, wheel, known=known)
        except EntryError as error:
            remedy = error.remedy or "make the wheel again"
            refused.append(Refused(name=wheel.name, why=error.message, remedy=remedy))
            continue
        if not known:
            new.append(candidate)
            attested |= {wheel.name} if provenance is not None else set()
        assets += _assets(candidate, placing.url(candidate.record), provenance)
    raise_refused(refused)
    events = tuple(take(new, replace(placing, attested=frozenset(attested))))
    fits(site, events)
    same = len(wheels) - len(new) - len(left_out)
    return Wanted(assets=tuple(assets), events=events, same=same, left_out=tuple(left_out))


def fits(site: Site, events: Sequence[PlainAdd]) -> None:
    """See that the ledger would take these events, before their bytes go anywhere.

    Raises:
        LedgerError: it would not.
    """
    head, lines = site.state.head, []
    for event in events:
        _, after = seal_event(event, head)
        lines.append(Line(event, after, head.size))
        head = after
    try:
        site.state.apply_all(lines)
    finally:
        site.state.rollback()


def _standing(site: Site, candidate: Candidate, placing: Placing) -> tuple[str | None, bool]:
    """Why a wheel is left out, or None; and whether the ledger names it already.

    Raises:
        EntryError: the ledger has other bytes under its name.
    """
    record = candidate.record
    known = site.state.file(record.filename)
    if known is None:
        return None, False
    if known.gone is not None:
        return f"it was removed from the index ({known.gone})", False
    if known.sha256 != record.sha256:
        raise EntryError(
            "the index has other bytes under that name",
            remedy="raise the recipe's revision: a published name never changes",
        )
    if known.url != placing.url(record):
        return f"it is published already, at '{known.url}'", True
    return None, True


def _provenance(site: Site, wheel: Path, *, known: bool) -> bytes | None:
    """A wheel's attestations, where the ledger says or will say that it has some."""
    path = wheel.with_name(wheel.name + PROVENANCE_SUFFIX)
    if not path.is_file():
        return None
    if known:
        there = site.state.file(wheel.name)
        assert there is not None
        if not any(file.provenance for file in site.files([there])):
            return None
    return read_provenance(path)


def _assets(candidate: Candidate, url: str, provenance: bytes | None) -> Iterator[Asset]:
    record, wheel = candidate.record, candidate.wheel
    assert wheel is not None
    tag = unquote(url.rsplit("/", 2)[1])
    yield Asset(
        name=record.filename,
        tag=tag,
        kind="wheel",
        content=wheel,
        size=record.size,
        sha256=record.sha256,
        url=url,
    )
    beside = {METADATA_SUFFIX: record.metadata.encode(), PROVENANCE_SUFFIX: provenance}
    for suffix, data in beside.items():
        if data is not None:
            yield Asset(
                name=record.filename + suffix,
                tag=tag,
                kind="beside",
                content=data,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                url=url + suffix,
            )
