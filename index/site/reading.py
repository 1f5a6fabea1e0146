"""What the ledger holds of files whose places in it the state knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from index.errors import SiteError
from index.ledger import LEDGER_NAME
from index.ledger.plain import PlainAdd, PlainGuard, kept_add, kept_guard
from index.ledger.seal import parse_event
from index.model import File
from index.state.known import Known, Place

if TYPE_CHECKING:
    from index.ledger.events import Event
    from index.swift import SwiftAdd

AnyPlace: TypeAlias = "Place | Known"
AnyAdd: TypeAlias = "PlainAdd | SwiftAdd"
AT_ONCE = 16 * 1024 * 1024
"""Bytes of the ledger read at once at most."""


def read_files(
    folder: Path, places: Sequence[AnyPlace], read: Callable[[bytes], AnyAdd | None] = kept_add
) -> Iterator[File]:
    """Files with what the ledger in ``folder`` holds of them: wheels with their whole records.

    Args:
        folder: The site.
        places: Where the files stand.
        read: Reads a wheel's line, or leaves it to the models; `index.swift.swift_add` where there
            are many.

    Raises:
        SiteError: the ledger is another one than the state has read.
    """
    for place, line in zip(places, ledger_lines(folder, places), strict=True):
        yield _wheel(place, line, read(line)) if place.kind == "wheel" else _guard(place, line)


def event_at(line: bytes, filename: str) -> Event:
    """The event in a ledger's line whose seal was checked before.

    Raises:
        SiteError: there is no such line.
    """
    body, mark, _ = line.rpartition(b',"digest":"')
    if not mark:
        raise _moved(filename)
    return parse_event(body + b"}", f"the ledger's line of '{filename}'")


def _moved(filename: str) -> SiteError:
    return SiteError(
        f"the ledger's line of '{filename}' is not where it was",
        remedy="run the command again; the index reads the ledger anew when it has changed",
    )


def ledger_lines(folder: Path, places: Sequence[AnyPlace]) -> Iterator[bytes]:
    """The lines at these places; a project's often stand together, and are read together."""
    if not places:
        return
    ledger = os.open(folder / LEDGER_NAME, os.O_RDONLY | os.O_CLOEXEC)
    try:
        start = min([place.start for place in places])
        length = max([place.start + place.length for place in places]) - start
        if length <= min(AT_ONCE, 2 * sum([place.length for place in places])):
            together = os.pread(ledger, length, start)
            for place in places:
                at = place.start - start
                yield together[at : at + place.length]
        else:
            for place in places:
                yield os.pread(ledger, place.length, place.start)
    finally:
        os.close(ledger)


def _wheel(place: AnyPlace, line: bytes, read: AnyAdd | None) -> File:
    event: AnyAdd | Event = event_at(line, place.filename) if read is None else read
    if event.event != "add" or event.record.filename != place.filename:
        raise _moved(place.filename)
    record = event.record
    # By position: made for each of a million files.
    return File(
        record.filename,
        record.name,
        record.version,
        record.cuda or None,
        record.sha256,
        record.size,
        event.url,
        event.uploaded,
        place.yanked,
        record.requires_python,
        record.metadata_sha256,
        event.provenance,
        record,
    )


def _guard(place: AnyPlace, line: bytes) -> File:
    event: PlainGuard | Event | None = kept_guard(line)
    if event is None:
        event = event_at(line, place.filename)
    if event.event != "guard" or event.filename != place.filename:
        raise _moved(place.filename)
    return File(
        filename=event.filename,
        name=event.name,
        version=event.version,
        cuda=event.cuda or None,
        sha256=event.sha256,
        size=event.size,
        url=event.url,
        uploaded=event.uploaded,
        yanked=place.yanked,
    )
