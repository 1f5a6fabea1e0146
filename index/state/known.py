"""What the state knows of one file, and of a folder held against all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from index.naming import twin_key

if TYPE_CHECKING:
    from index.facts import AnyRecord
    from index.ledger.events import Add, Guard
    from index.ledger.plain import PlainEvent
    from index.ledger.seal import Line

COLUMNS = (
    "filename, kind, name, version, cuda, sha256, size, url, uploaded, yanked, gone, build_key, "
    "profile, start, length"
)


class Known(NamedTuple):  # made for each of a million files
    """One file the ledger names, there or gone.

    Attributes:
        kind: ``wheel`` or ``guard``.
        cuda: CUDA label, empty where it stands in every root.
        yanked: Why it was yanked, or None.
        gone: Why it was removed, or None.
        build_key: The builder's key, where it was made by one.
        profile: The recipe's profile, where it was made from one.
        start: Where its event stands in the ledger, in bytes.
        length: How long that line is, in bytes.
    """

    filename: str
    kind: str
    name: str
    version: str
    cuda: str
    sha256: str
    size: int
    url: str
    uploaded: str
    yanked: str | None
    gone: str | None
    build_key: str | None
    profile: str | None
    start: int
    length: int


Row: TypeAlias = tuple[Any, ...]
"""As in the state's table: the `twin_key` of a file's name, then the fields of its `Known`.

A plain tuple: a hundred thousand of them pass between processes.
"""


class Place(NamedTuple):
    """Where the ledger publishes a file that is there; of `Known`, what the ledger does not say."""

    filename: str
    kind: str
    yanked: str | None
    start: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A folder held against the state, all of it by file name, sorted.

    Attributes:
        given: How many files the folder has.
        new: Name and stamp of those the ledger never named.
        removed: Those that were removed from the index.
        unsure: Name, stamp and expected sha256 of those that look other than when last compared.
        missing: Wheels that are there, and not in the folder.
    """

    given: int
    new: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    unsure: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]


def arrival(event: Add | Guard | PlainEvent, line: Line) -> Known:
    """The file that an event publishes; ``line`` is where it stands in the ledger."""
    start, length = line.offset, line.head.size - line.offset
    if event.event == "add":
        return wheel(event.record, event.url, event.uploaded, start, length)
    return Known(
        filename=event.filename,
        kind="guard",
        name=event.name,
        version=event.version,
        cuda=event.cuda or "",
        sha256=event.sha256,
        size=event.size,
        url=event.url,
        uploaded=event.uploaded,
        yanked=None,
        gone=None,
        build_key=None,
        profile=None,
        start=start,
        length=length,
    )


def wheel(record: AnyRecord, url: str, uploaded: str, start: int, length: int) -> Known:
    """A wheel that was just published; ``start`` and ``length`` are its line's in the ledger."""
    return Known._make((*row_of(record, url, uploaded)[1:], start, length))


def row_of(record: AnyRecord, url: str, uploaded: str) -> Row:
    """A wheel that is about to be published; without where it will stand in the ledger."""
    # By position: made for each of a million files.
    return (
        twin_key(record.filename),
        record.filename,
        "wheel",
        record.name,
        record.version,
        record.cuda or "",
        record.sha256,
        record.size,
        url,
        uploaded,
        None,
        None,
        record.build_key,
        record.profile,
    )
