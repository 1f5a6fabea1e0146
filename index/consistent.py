"""Records whose parts must not contradict each other."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename
from packaging.version import InvalidVersion

from index.errors import EntryError
from index.model import check_label
from index.naming import NAME_LENGTH, check_names, folded_end, parse_version, start_of_name
from index.wheelname import WheelName, parse_wheel_name

if TYPE_CHECKING:
    from index.facts import AnyRecord


def check_record(record: AnyRecord) -> None:
    """Refuse a record whose parts contradict each other.

    Raises:
        EntryError: its name, version, build tag or tags are not those of its file name, its
            requires-python is no specifier, or its file name has characters no wheel has.
    """
    where = record.filename
    if not _is_named_for(record):
        _check_name(record)
    try:
        _check_specifier(record.requires_python or "")
    except InvalidSpecifier as error:
        raise EntryError(f"{where}: {error}") from error
    digest = _digest(record.metadata)
    if digest != record.metadata_sha256:
        raise EntryError(
            f"{where}: its record's METADATA has sha256 {digest}, not the one recorded"
        )
    if record.requires_python and not record.requires_python.isprintable():
        raise EntryError(f"{where}: its requires-python {record.requires_python!r} is not one line")
    if record.cuda is not None:
        check_label(record.cuda)


def _is_named_for(record: AnyRecord) -> bool:
    """Whether a record's file is plainly called what `_check_name` would have it called.

    It is put together again from the parts, each of which few records have for themselves.
    """
    start, filename = start_of_name(record.name, record.version), record.filename
    return (
        start is not None
        and filename.startswith(start)
        and len(filename) <= NAME_LENGTH
        and folded_end(filename[len(start) :], record.build_tag or "", record.tags) is not None
    )


def _check_name(record: AnyRecord) -> None:
    """Refuse a record whose file is not called what it says of name, version, build tag and tags.

    Raises:
        EntryError: it is called something else, or by no name that a wheel of ours can have.
    """
    where = record.filename
    check_names(where, record.name, record.version)
    try:
        named = parse_wheel_name(where)
        same = named.version == parse_version(record.version)
    except (InvalidWheelFilename, InvalidVersion) as error:
        raise EntryError(f"{where}: {error}") from error
    told = (record.name, tuple(sorted(record.tags)), record.build_tag or "")
    if not same or told != (named.name, named.tags, named.build):
        raise EntryError(f"{where}: {_disagreement(record, named)}")


@lru_cache(maxsize=8)
def _digest(metadata: str) -> str:
    """The sha256 of a METADATA; the wheels of one version often share theirs."""
    return hashlib.sha256(metadata.encode()).hexdigest()


@lru_cache(maxsize=256)
def _check_specifier(text: str) -> None:
    SpecifierSet(text)


def _disagreement(record: AnyRecord, named: WheelName) -> str:
    """The first of the parts that a record and its file's name tell differently."""
    pairs = {
        "name": (record.name, named.name),
        "version": (record.version, str(named.version)),
        "tags": (tuple(sorted(record.tags)), named.tags),
        "build tag": (record.build_tag or "", named.build),
    }
    what, (recorded, other) = next(item for item in pairs.items() if item[1][0] != item[1][1])
    return f"its record says {what} {recorded!r}, its name {other!r}"
