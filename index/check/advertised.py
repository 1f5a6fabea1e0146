"""The files the ledger advertises: there, of that size and hash, with their own METADATA."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from index.check.expected import METADATA_SUFFIX, PROVENANCE_SUFFIX
from index.check.findings import Finding, finding
from index.check.source import Missing, Source, Unreadable
from index.errors import EntryError
from index.model import File
from index.papers import missing_papers
from index.wheels import read_metadata

PROVENANCE_VERSION = 1


def check_file(source: Source, file: File, *, fast: bool) -> list[Finding]:
    """One file and what lies beside it.

    Args:
        source: The site.
        file: What the ledger says of it.
        fast: Ask for its size only; its bytes are not read.
    """
    found: list[Finding] = []
    with _noting(found, source.place(file.url), file.filename):
        found += _check_size(source, file) if fast else _check_bytes(source, file)
    if file.record is not None:
        found += _check_metadata(source, file, file.record.metadata.encode())
    if file.provenance:
        found += _check_provenance(source, file)
    return found


def _check_size(source: Source, file: File) -> Iterator[Finding]:
    size = source.size(file.url)
    if size != file.size:
        yield finding("size", source.place(file.url), f"{file.size} bytes", f"{size} bytes")


def _check_bytes(source: Source, file: File) -> Iterator[Finding]:
    place = source.place(file.url)
    with source.fetch(file.url, file.size) as fetched:
        if fetched.size != file.size:
            yield finding("size", place, f"{file.size} bytes", f"{fetched.size} bytes")
        elif fetched.sha256 != file.sha256:
            yield finding("sha256", place, file.sha256, fetched.sha256)
        elif file.record is not None:
            try:
                same = read_metadata(fetched.path) == file.record.metadata.encode()
                there = "another one in the wheel"
            except EntryError as error:
                same, there = False, error.message
            if not same:
                yield finding("metadata", place, "the METADATA that the ledger records", there)
            # What is yanked was taken back already: nothing more can be done about its bytes.
            lacks = None if file.yanked else missing_papers(fetched.path, file.record)
            if lacks is not None:
                yield finding("papers", place, "its bill of materials and its build spec", lacks)


def _check_metadata(source: Source, file: File, recorded: bytes) -> list[Finding]:
    found: list[Finding] = []
    path = file.url + METADATA_SUFFIX
    place = source.place(path)
    with _noting(found, place, f"the METADATA of {file.filename}"):
        data = source.read(path).data
        if data != recorded:
            where = _first_difference(recorded, data)
            found.append(finding("metadata", place, "the METADATA that the ledger records", where))
    return found


def _check_provenance(source: Source, file: File) -> list[Finding]:
    found: list[Finding] = []
    path = file.url + PROVENANCE_SUFFIX
    place = source.place(path)
    with _noting(found, place, f"the attestations of {file.filename}"):
        problem = provenance_problem(source.read(path).data)
        if problem is not None:
            expected = f"a provenance object of version {PROVENANCE_VERSION} (PEP 740)"
            found.append(finding("provenance", place, expected, problem))
    return found


def provenance_problem(data: bytes) -> str | None:
    """What is wrong with a provenance file, or None."""
    try:
        told = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(told, dict):
        return "JSON that is no object"
    version = told.get("version")
    if version != PROVENANCE_VERSION or isinstance(version, bool):
        return f"version {version!r}"
    if not isinstance(told.get("attestation_bundles"), list):
        return "no list of attestation_bundles"
    return None


@contextmanager
def _noting(found: list[Finding], place: str, expected: str) -> Iterator[None]:
    """Turn what cannot be read into findings."""
    try:
        yield
    except Missing as error:
        found.append(finding("missing", place, expected, str(error)))
    except Unreadable as error:
        found.append(finding("unreachable", place, expected, str(error)))


def _first_difference(wanted: bytes, there: bytes) -> str:
    lines = zip(wanted.splitlines(), there.splitlines(), strict=False)
    for number, (one, other) in enumerate(lines, start=1):
        if one != other:
            return f"line {number} is {other.decode('utf-8', 'replace')!r:.200}"
    return f"{len(there)} bytes, not {len(wanted)}"
