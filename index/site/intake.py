"""Taking wheels in: each is checked, put where it will be fetched from, and becomes an event."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from index.errors import EntryError, SiteError
from index.files import copy_file, sync_folder, write_bytes
from index.ledger import Add
from index.ledger.seal import describe
from index.model import FILES, check_label, check_record, check_url, folder_url
from index.records import RECORD_SUFFIX, Record, record_path
from index.site.site import Site
from index.wheels import check_metadata, check_wheel, read_metadata, record_of_wheel

METADATA_SUFFIX = ".metadata"
PROVENANCE_SUFFIX = ".provenance"
PUBLISHED_PROFILE = "full"
"""The one profile that is meant for others; the rest needs a word from the maintainer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """Where wheels go and from where they will be fetched.

    Attributes:
        folder: Folder they are copied into; None where they are published elsewhere.
        address: Address of that folder, absolute or relative to the site; ``{name}`` and
            ``{version}`` stand for each wheel's own.
        force: Take wheels of any profile.
        attested: Wheels published elsewhere whose attestations lie beside them there.
        uploaded: When they are published (RFC 3339, UTC).
    """

    folder: Path | None
    address: str = FILES
    force: bool = False
    attested: frozenset[str] = frozenset()
    uploaded: str

    def url(self, record: Record) -> str:
        """A wheel's address.

        Raises:
            EntryError: the pattern makes none.
        """
        return folder_url(_base(self.address, record.name, record.version), record.filename)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A wheel that wants in.

    Attributes:
        record: Its record, found beside it or made from it.
        wheel: The file; None where only its record is here.
    """

    record: Record
    wheel: Path | None


@lru_cache(maxsize=1024)
def _base(pattern: str, name: str, version: str) -> str:
    try:
        base = pattern.format(name=name, version=version)
    except (KeyError, IndexError, ValueError) as error:
        raise EntryError(
            f"'{pattern}' is no address: {{name}} and {{version}} are all it may hold"
        ) from error
    check_url(folder_url(base, "X.whl"))
    return base


def read_candidate(wheel: Path) -> Candidate:
    """A wheel with the record beside it, or one made from the wheel alone.

    Raises:
        EntryError: it is no wheel, damaged, a link that leads out of its folder, or not what its
            record says.
    """
    plain_file(wheel)
    beside = record_path(wheel)
    if not beside.is_file():
        record = record_of_wheel(wheel)
        check_record(record)
        return Candidate(record=record, wheel=wheel)
    plain_file(beside)
    record = parse_record(beside.read_bytes(), beside.name)
    if record.filename != wheel.name:
        raise EntryError(f"{beside.name}: it is the record of '{record.filename}'")
    check_wheel(record, wheel)
    if read_metadata(wheel) != record.metadata.encode():
        raise EntryError(f"{wheel.name}: its METADATA is not the one in its record")
    return Candidate(record=record, wheel=wheel)


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


def parse_record(data: bytes, where: str) -> Record:
    """A record from its text, checked.

    Raises:
        EntryError: it is none, or contradicts itself.
    """
    try:
        record = Record.model_validate_json(data)
    except ValidationError as error:
        raise EntryError(
            f"{where}: {describe(error)}", remedy="`builder build` writes records; make it again"
        ) from error
    check_record(record)
    told = check_metadata(record.metadata, where, record.name, record.version)
    if (told or "") != " ".join((record.requires_python or "").split()):
        raise EntryError(
            f"{where}: it says requires-python {record.requires_python!r}, its METADATA {told!r}"
        )
    return record


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


def take(site: Site, candidates: Iterable[Candidate], placing: Placing) -> Iterator[Add]:
    """Put each wheel and its metadata in place, and say what the ledger must remember of it.

    A wheel is in place, whole, before its event is handed on.

    Raises:
        EntryError: a profile nobody should publish, or other bytes in place under that name.
    """
    for candidate in candidates:
        record = candidate.record
        if record.profile not in (None, PUBLISHED_PROFILE) and not placing.force:
            raise EntryError(
                f"{record.filename}: built with the profile '{record.profile}', "
                f"only '{PUBLISHED_PROFILE}' is published",
                remedy="build it in full, or say --force for an index of your own",
            )
        if record.cuda is not None:
            check_label(record.cuda)
        url = placing.url(record)
        provenance = record.filename in placing.attested
        if placing.folder is not None:
            provenance = _place(candidate, placing.folder)
        yield Add(record=record, url=url, uploaded=placing.uploaded, provenance=provenance)


def _place(candidate: Candidate, folder: Path) -> bool:
    """Copy a wheel and what belongs to it; whether attestations are among it."""
    record, wheel = candidate.record, candidate.wheel
    if wheel is None:
        raise EntryError(
            f"{record.filename}: its record is here, the wheel is not",
            remedy="put the wheel beside it, or say with --files-url where it is fetched from",
        )
    target = folder / record.filename
    if target.is_file():
        try:
            check_wheel(record, target)
        except EntryError as error:
            raise EntryError(
                f"'{target}' is there with other bytes: {error.message}",
                remedy="nothing advertises it if `builder index check` says so; then delete it",
            ) from error
    else:
        copy_wheel(record, wheel, target)
    write_beside(target, METADATA_SUFFIX, record.metadata.encode())
    attested = wheel.with_name(wheel.name + PROVENANCE_SUFFIX)
    if not attested.is_file():
        return False
    write_beside(target, PROVENANCE_SUFFIX, read_provenance(attested))
    return True


def copy_wheel(record: Record, wheel: Path, target: Path) -> None:
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


def placing(
    site: Path,
    *,
    files_dir: Path | None = None,
    files_url: str | None = None,
    force: bool = False,
    uploaded: str,
) -> Placing:
    """Where a site's wheels go: into it, into a folder beside it, or nowhere (they are elsewhere).

    Raises:
        SiteError: both a folder and an address that are not the site's.
    """
    if files_url is not None:
        if files_dir is not None:
            raise SiteError("--files-dir and --files-url are two places for the same wheels")
        return Placing(folder=None, address=files_url, force=force, uploaded=uploaded)
    folder = files_dir or site / FILES
    # os.path.relpath: pathlib has no walk_up before Python 3.12.
    address = os.path.relpath(folder.resolve(), site.resolve())
    return Placing(folder=folder, address=address, force=force, uploaded=uploaded)
