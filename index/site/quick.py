"""Records that are plainly right, taken in at the least cost; the others are `index.site.intake`'s.

A record is held against the last that had its METADATA: what both say in the same words was judged
for that one. What is left is what is its own: name, tags, digest and size.
"""

from __future__ import annotations

from typing import NamedTuple

from index.consistent import check_record
from index.errors import EntryError
from index.facts import HEX
from index.lines import only_here
from index.naming import NAME_LENGTH, folded_end, folded_start, start_of_name
from index.site.intake import Pin, address_of
from index.site.placing import Placing
from index.state.known import Row
from index.swift import Swift, swift_record, write_into
from index.wheels import check_metadata

_KEPT = 64
"""Releases that are remembered: their records mostly stand together."""


class _Release(NamedTuple):
    """What the records of one METADATA share, judged once.

    Attributes:
        shared: What was judged: METADATA, name, version, requires-python, CUDA and profile.
        start: What its files are called at first.
        folded: The same of their `twin_key`.
        url: Where they lie, with the slash at its end.
        event: How their events begin, up to the name in the address.
        needs: What they need that no other index can have.
    """

    shared: tuple[str, str, str, str | None, str | None, str | None]
    start: str
    folded: str
    url: str
    event: bytes
    needs: tuple[str, ...]


class Quick:
    """Takes records in, one after the other.

    Attributes:
        rows: What the state will know of each (see `index.site.arrivals.Arrivals`).
        text: Their events as JSON, one behind the other, each without its last brace.
        pins: What they need that no other index can have.
    """

    def __init__(self, placing: Placing) -> None:
        self._placing = placing
        self._releases: dict[str, _Release] = {}
        self._uploaded = placing.uploaded
        told = f'","uploaded":"{placing.uploaded}","event":"add","record":'
        self._middle = told.encode()
        self.rows: list[Row] = []
        self.text = bytearray()
        self.pins: list[Pin] = []

    def take(self, line: bytes) -> bool:
        """Take a record in, if it is plainly right and its wheel is elsewhere."""
        told = swift_record(line)
        release = None if told is None else self.release(told)
        if told is None or release is None:
            return False
        filename, start = told.filename, release.start
        if not filename.startswith(start) or len(filename) > NAME_LENGTH:
            return False
        end = folded_end(filename[len(start) :], told.build_tag or "", told.tags)
        if end is None or HEX.fullmatch(told.sha256) is None:
            return False
        _, name, version, _, cuda, profile = release.shared
        # By position: made for each of a million files.
        self.rows.append(
            (
                release.folded + end,
                filename,
                "wheel",
                name,
                version,
                cuda or "",
                told.sha256,
                told.size,
                release.url + filename,
                self._uploaded,
                None,
                None,
                told.build_key,
                profile,
            )
        )
        text = self.text
        text += release.event
        text += filename.encode()
        text += self._middle
        write_into(told, text, -1)
        attested = filename in self._placing.attested
        text += b',"provenance":true' if attested else b',"provenance":false'
        if release.needs:
            self.pins += [Pin(filename, cuda, one) for one in release.needs]
        return True

    def release(self, told: Swift) -> _Release | None:
        """What a record shares with others, if it is right."""
        release = self._releases.get(told.metadata_sha256)
        shared = _shared(told)
        if release is not None and release.shared == shared:
            return release
        if (made := _judged(told, shared, self._placing)) is not None:
            if len(self._releases) >= _KEPT:
                self._releases.clear()
            self._releases[told.metadata_sha256] = made
        return made


def _shared(told: Swift) -> tuple[str, str, str, str | None, str | None, str | None]:
    return (
        told.metadata,
        told.name,
        told.version,
        told.requires_python,
        told.cuda,
        told.profile,
    )


def _judged(
    told: Swift,
    shared: tuple[str, str, str, str | None, str | None, str | None],
    placing: Placing,
) -> _Release | None:
    """What a record shares with others, or None where something of it is not right."""
    start = start_of_name(told.name, told.version)
    if start is None or placing.folder is not None:
        return None
    try:
        check_record(told)
        python = check_metadata(told.metadata, "", told.name, told.version)
        url = address_of(told, placing).removesuffix(told.filename)
    except EntryError:
        return None
    if (python or "") != " ".join((told.requires_python or "").split()):
        return None
    return _Release(
        shared=shared,
        start=start,
        folded=folded_start(start),
        url=url,
        event=f'{{"schema_version":1,"url":"{url}'.encode(),
        needs=only_here(told.metadata),
    )
