"""What the pages are made from: files, projects and roots, in the order they will stand in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from index.errors import EntryError
from index.naming import parse_version

if TYPE_CHECKING:
    from index.facts import AnyRecord

DEFAULT_ROOT = "simple"
"""The root with no CUDA in its name, for users who name none."""
FILES = "files"
"""Folder of the site that wheels and their metadata lie in."""
PROJECTS = "project"
"""Folder of the site that the pages for people lie in."""
ASSETS = "assets"
"""Folder of the site that style and script lie in."""
JSON_FOLDER = "json"
"""Where hosts that cannot negotiate show the JSON pages: ``/json/cu118/`` beside ``/cu118/``."""
TAKEN = frozenset({DEFAULT_ROOT, FILES, PROJECTS, ASSETS, JSON_FOLDER})
"""Folders of the site that no CUDA's root may be called."""
ROOT_NAME = re.compile(r"[a-z][a-z0-9]*")


class File(NamedTuple):  # made for each of a million files
    """One advertised file: what every form of a page says of it.

    Attributes:
        filename: Its name.
        name: Normalised project name.
        version: Its version, as in its record.
        cuda: CUDA label, or None where it stands in every root.
        sha256: Of its bytes.
        size: Bytes.
        url: Where its bytes are: absolute, or relative to the site and not yet quoted
            (``files/X.whl``; ``../wheels/X.whl`` in a folder beside the site).
        uploaded: When it was published (RFC 3339, UTC), where known.
        yanked: Why it was yanked, or None.
        requires_python: Version specifier, or None.
        metadata_sha256: Of its METADATA, served as ``X.whl.metadata``; None for a guard sdist.
        provenance: Whether its attestations (PEP 740) lie beside it.
        record: The whole record of a wheel; None for a guard sdist.
    """

    filename: str
    name: str
    version: str
    cuda: str | None
    sha256: str
    size: int
    url: str
    uploaded: str | None = None
    yanked: str | None = None
    requires_python: str | None = None
    metadata_sha256: str | None = None
    provenance: bool = False
    record: AnyRecord | None = None

    @classmethod
    def of_wheel(
        cls,
        record: AnyRecord,
        *,
        url: str | None = None,
        uploaded: str | None = None,
        yanked: str | None = None,
        provenance: bool = False,
    ) -> File:
        """A wheel as its record describes it; it lies in ``files/`` where no address is given."""
        return cls(
            filename=record.filename,
            name=record.name,
            version=record.version,
            cuda=record.cuda,
            sha256=record.sha256,
            size=record.size,
            url=url or f"{FILES}/{record.filename}",
            uploaded=uploaded,
            yanked=yanked,
            requires_python=record.requires_python,
            metadata_sha256=record.metadata_sha256,
            provenance=provenance,
            record=record,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project's files in one root, oldest version first."""

    name: str
    files: tuple[File, ...]


def in_root(files: Iterable[File], cuda: str | None) -> tuple[File, ...]:
    """The files a root shows: those of its CUDA and those of none, in order."""
    return tuple(file for file in files if file.cuda is None or file.cuda == cuda)


def in_order(files: Iterable[File]) -> tuple[File, ...]:
    """Files by version, build tag and name, oldest version first."""
    listed = list(files)
    # Versions are slow to compare: each distinct one is compared with the others once.
    versions = {file.version: parse_version(file.version) for file in listed}
    rank = {version: number for number, version in enumerate(sorted(set(versions.values())))}

    def order(file: File) -> tuple[int, tuple[()] | tuple[int, str], str]:
        tag = file.record.build_tag if file.record is not None else None
        return rank[versions[file.version]], _build(tag), file.filename

    return tuple(sorted(listed, key=order))


@lru_cache(maxsize=256)
def check_label(label: str) -> None:
    """Refuse a CUDA label that cannot be the name of an index root.

    Raises:
        EntryError: it is not a plain name, or the site uses it for something else.
    """
    if not ROOT_NAME.fullmatch(label) or label in TAKEN:
        raise EntryError(f"'{label}' cannot be the name of an index root")


@lru_cache(maxsize=1024)
def _build(tag: str | None) -> tuple[()] | tuple[int, str]:
    match = re.match(r"(\d+)(.*)", tag) if tag else None
    return (int(match[1]), match[2]) if match else ()
