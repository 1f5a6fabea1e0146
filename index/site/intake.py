"""Taking wheels in: each is checked, put where it will be fetched from, and becomes an event."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from index.consistent import check_record
from index.errors import EntryError
from index.facts import RECORD_SUFFIX, Facts, facts_of_json, record_path
from index.files import copy_file, sync_folder, write_bytes
from index.ledger.head import describe
from index.ledger.plain import PlainAdd
from index.lines import only_here
from index.model import check_label
from index.papers import missing_papers
from index.site.placing import Placing
from index.wheels import check_metadata, check_wheel, facts_of_wheel, read_metadata

if TYPE_CHECKING:
    from index.facts import AnyRecord

METADATA_SUFFIX = ".metadata"
PROVENANCE_SUFFIX = ".provenance"
PUBLISHED_PROFILE = "full"
"""The one profile that is meant for others; the rest needs a word from the maintainer."""


class Candidate(NamedTuple):  # made for each of a million files
    """A wheel that wants in.

    Attributes:
        record: Its record, found beside it or made from it.
        wheel: The file; None where only its record is here.
    """

    record: Facts
    wheel: Path | None


class Pin(NamedTuple):
    """A requirement of a wheel that pins a local version (``==1.0+cu124``), no markers.

    Attributes:
        filename: The wheel.
        cuda: Its CUDA label, or None.
        wanted: The requirement.
    """

    filename: str
    cuda: str | None
    wanted: str


def read_candidate(wheel: Path) -> Candidate:
    """A wheel with the record beside it, or one made from the wheel alone.

    Raises:
        EntryError: it is no wheel, damaged, a link that leads out of its folder, not what its
            record says, or a recipe's wheel without bill of materials and build spec.
    """
    record = record_beside(wheel)
    if record is None:
        record = facts_of_wheel(wheel)
        check_record(record)
        return Candidate(record=record, wheel=wheel)
    check_wheel(record, wheel)
    if read_metadata(wheel) != record.metadata.encode():
        raise EntryError(f"{wheel.name}: its METADATA is not the one in its record")
    lacks = missing_papers(wheel, record)
    if lacks is not None:
        raise EntryError(
            f"{wheel.name}: {lacks}",
            remedy="build it again with `builder build`; what others made has no build key in its "
            "record, and is taken without",
        )
    return Candidate(record=record, wheel=wheel)


def record_beside(wheel: Path) -> Facts | None:
    """The record beside a wheel, not yet held against it; None where there is none.

    Raises:
        EntryError: the wheel or its record is no file or leads out of its folder, or the record is
            none or another wheel's.
    """
    plain_file(wheel)
    beside = record_path(wheel)
    if not beside.is_file():
        return None
    plain_file(beside)
    record = parse_record(beside.read_bytes(), beside.name)
    if record.filename != wheel.name:
        raise EntryError(f"{beside.name}: it is the record of '{record.filename}'")
    return record


def read_record_only(path: Path) -> Candidate:
    """A record whose wheel is elsewhere.

    Raises:
        EntryError: it is no record, or contradicts itself.
    """
    plain_file(path)
    record = parse_record(path.read_bytes(), path.name)
    if path.name != record.filename + RECORD_SUFFIX:
        raise EntryError(f"{path.name}: it is the record of '{record.filename}'")
    return Candidate(record=record, wheel=None)


def parse_record(data: bytes, where: str) -> Facts:
    """A record from its text, checked.

    Raises:
        EntryError: it is none, or contradicts itself.
    """
    record = facts_of_json(data) or _judged(data, where)
    check_record(record)
    told = check_metadata(record.metadata, where, record.name, record.version)
    if (told or "") != " ".join((record.requires_python or "").split()):
        raise EntryError(
            f"{where}: it says requires-python {record.requires_python!r}, its METADATA {told!r}"
        )
    return record


def _judged(data: bytes, where: str) -> Facts:
    """A record that is not plainly right, as its model sees it."""
    from pydantic import ValidationError

    from index.records import Record

    try:
        return Facts.of(Record.model_validate_json(data))
    except ValidationError as error:
        raise EntryError(
            f"{where}: {describe(error)}", remedy="`builder build` writes records; make it again"
        ) from error


def plain_file(path: Path) -> None:
    """Refuse what is no file, or a link that leads out of its folder.

    Raises:
        EntryError: it is one of these.
    """
    # os.path.realpath: a link that leads to itself is no error to it.
    if path.is_symlink() and Path(os.path.realpath(path)).parent != path.parent.resolve():
        raise EntryError(
            f"{str(path)!r} is a link to {str(path.readlink())!r}, outside its folder",
            remedy="copy the wheel itself there",
        )
    if not path.is_file():
        raise EntryError(f"there is no file at {str(path)!r}")


def take(
    candidates: Iterable[Candidate], placing: Placing, pins: list[Pin] | None = None
) -> Iterator[PlainAdd]:
    """Put each wheel and its metadata in place, and say what the ledger must remember of it.

    A wheel is in place, whole, before its event is handed on.

    Args:
        candidates: Wheels with their records, checked.
        placing: Where they go.
        pins: Gets what they need that no other index can have.

    Raises:
        EntryError: a profile nobody should publish, or other bytes in place under that name.
    """
    for candidate in candidates:
        record = candidate.record
        url = address_of(record, placing)
        provenance = record.filename in placing.attested
        if placing.folder is not None:
            provenance = _place(candidate, placing.folder)
        if pins is not None and (wanted := only_here(record.metadata)):
            pins += [Pin(record.filename, record.cuda, one) for one in wanted]
        yield PlainAdd(url, placing.uploaded, record, provenance)


def address_of(record: AnyRecord, placing: Placing) -> str:
    """Where a wheel will be fetched from.

    Raises:
        EntryError: it has a profile nobody should publish, or a label that is none.
    """
    if record.profile not in (None, PUBLISHED_PROFILE) and not placing.force:
        raise EntryError(
            f"{record.filename}: built with the profile '{record.profile}', "
            f"only '{PUBLISHED_PROFILE}' is published",
            remedy="build it in full, or say --force for an index of your own",
        )
    if record.cuda is not None:
        check_label(record.cuda)
    return placing.url(record)


def _place(candidate: Candidate, folder: Path) -> bool:
    """Copy a wheel and what belongs to it; whether attestations are among it."""
    record, wheel = candidate.record, candidate.wheel
    if wheel is None:
        raise EntryError(
            f"{record.filename}: its record is here, the wheel is not",
            remedy="put the wheel beside it, or say with --files-url where it is fetched from",
        )
    target = folder / record.filename
    if not is_in_place(record, target):
        copy_wheel(record, wheel, target)
    write_beside(target, METADATA_SUFFIX, record.metadata.encode())
    attestations = attestations_of(wheel)
    if attestations is None:
        return False
    write_beside(target, PROVENANCE_SUFFIX, attestations)
    return True


def is_in_place(record: Facts, target: Path) -> bool:
    """Whether a wheel lies where it should go already.

    Raises:
        EntryError: other bytes lie there.
    """
    if not target.is_file():
        return False
    try:
        check_wheel(record, target)
    except EntryError as error:
        raise EntryError(
            f"'{target}' is there with other bytes: {error.message}",
            remedy="nothing advertises it if `builder index check` says so; then delete it",
        ) from error
    return True


def attestations_of(wheel: Path) -> bytes | None:
    """What lies beside a wheel as its attestations, if anything does.

    Raises:
        EntryError: it is none.
    """
    path = wheel.with_name(wheel.name + PROVENANCE_SUFFIX)
    return read_provenance(path) if path.is_file() else None


def copy_wheel(record: AnyRecord, wheel: Path, target: Path) -> None:
    """Copy a wheel whole, under a temporary name until it has been read back and found right.

    Raises:
        EntryError: what arrived is not what was sent.
        OSError: the disk is full or went away; nothing is left but what was there before.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # A mounted drive can break off half-way, or say nothing of what it lost.
    with tempfile.TemporaryDirectory(prefix=".arriving-", dir=target.parent) as folder:
        arrived = Path(folder) / target.name
        copy_file(wheel, arrived)
        check_wheel(record, arrived)
        with contextlib.suppress(PermissionError):  # a mounted drive may know no permissions
            arrived.chmod(0o644)
        arrived.replace(target)
    sync_folder(target.parent)


def write_beside(target: Path, suffix: str, data: bytes) -> None:
    """Write a small file that belongs to a wheel, where it is not there yet."""
    path = target.with_name(target.name + suffix)
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return
    write_bytes(path, data)


def read_provenance(path: Path) -> bytes:
    """The attestations of a wheel (PEP 740), as they lie beside it.

    Raises:
        EntryError: the file is none of those.
    """
    plain_file(path)
    data = path.read_bytes()
    try:
        told = json.loads(data)
        right = told["version"] == 1 and isinstance(told["attestation_bundles"], list)
    except (ValueError, KeyError, TypeError, RecursionError):
        right = False
    if not right:
        raise EntryError(f"{path.name}: no provenance object of version 1 (PEP 740)")
    return data
