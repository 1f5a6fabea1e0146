"""What the pages are made from: files, projects and roots, in the order they will stand in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_version
from packaging.version import InvalidVersion, Version

from index.errors import EntryError
from index.wheelname import WheelName, parse_wheel_name

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
NAME_LENGTH = 240
"""Characters of a file name at most: ``X.whl.provenance`` must be one too."""
_SAFE_NAME = re.compile(r"[A-Za-z0-9._+!-]+")
_PROJECT_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


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


@lru_cache(maxsize=4096)
def start_of_name(name: str, version: str) -> str | None:
    """What the files of a project's version are called at first; None where one is not normal."""
    normal = _PROJECT_NAME.fullmatch(name) is not None and _is_normal(version)
    return f"{name.replace('-', '_')}-{version}-" if normal else None


@lru_cache(maxsize=4096)
def _is_normal(version: str) -> bool:
    try:
        return normal_version(version) == version
    except InvalidVersion:
        return False


@lru_cache(maxsize=1024)
def folded_end(end: str, build: str, tags: tuple[str, ...]) -> str | None:
    """The end of a wheel's `twin_key`, if its name ends so, with this build tag and these tags.

    Args:
        end: What follows the project and the version.
        build: The build tag, or empty.
        tags: Every single tag.
    """
    try:
        named = parse_wheel_name(f"x-1-{end}")
    except InvalidWheelFilename:
        return None
    right = is_filename(end) and (named.build, named.tags) == (build, tuple(sorted(tags)))
    return twin_key(f"x-1-{end}").removeprefix("x-1") if right else None


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


def check_names(filename: str, name: str, version: str) -> None:
    """Refuse a file whose names could not stand in a page, a path or an address as they are.

    Raises:
        EntryError: the file name has characters no wheel or sdist has, or is too long; the project
            name or the version is not written the normal way.
    """
    check_filename(filename)
    if not _PROJECT_NAME.fullmatch(name):
        raise EntryError(f"{filename}: {name!r} is not a normalised name")
    try:
        normal = normal_version(version)
    except InvalidVersion as error:
        raise EntryError(f"{filename}: {error}") from error
    if version != normal:
        raise EntryError(f"{filename}: the version {version!r} is written '{normal}'")


def check_filename(filename: str) -> None:
    """Refuse a name that no wheel or sdist of ours can have.

    Raises:
        EntryError: it has other characters than these have, or is too long.
    """
    if not is_filename(filename):
        raise EntryError(f"{filename!r}: not the file name of a wheel or an sdist")


def is_filename(filename: str) -> bool:
    """Whether a wheel or an sdist of ours can have this name."""
    return (
        _SAFE_NAME.fullmatch(filename) is not None
        and len(filename) <= NAME_LENGTH
        and filename not in (".", "..")
    )


def twin_key(filename: str) -> str:
    """What two file names share that no installer, or not every file system, tells apart.

    Upper and lower case, ``-``, ``_`` and ``.`` in the name, zeros at the version's end.
    """
    stem, suffix = (filename[:-4], ".whl") if filename.endswith(".whl") else (filename[:-7], "")
    if "-" not in stem:
        return filename.casefold()  # no name of ours; whoever reads it says so
    if suffix:
        name, version, *rest = stem.split("-", 2)
    else:
        name, version, *rest = stem.rsplit("-", 1)
    return "-".join([_one_spelling(name, version), *rest, suffix]).casefold()


def twins(one: str, other: str) -> str:
    """What to say of two file names with one `twin_key`."""
    how = "case" if one.casefold() == other.casefold() else "spelling"
    return f"'{one}' and '{other}' differ in {how} only"


@lru_cache(maxsize=4096)
def parse_version(text: str) -> Version:
    """A version; the few of a project are asked for again and again.

    Raises:
        InvalidVersion: it is none.
    """
    return Version(text)


@lru_cache(maxsize=4096)
def normal_version(text: str) -> str:
    """A version as installers write it.

    Raises:
        InvalidVersion: it is none.
    """
    return str(parse_version(text))


@lru_cache(maxsize=8)
def _digest(metadata: str) -> str:
    """The sha256 of a METADATA; the wheels of one version often share theirs."""
    return hashlib.sha256(metadata.encode()).hexdigest()


def folded_start(start: str) -> str:
    """The `twin_key` of files that are called so at first, up to what `folded_end` tells."""
    return twin_key(f"{start}x.whl").removesuffix("-x-.whl")


def _one_spelling(name: str, version: str) -> str:
    return f"{_one_name(name)}-{_one_version(version)}"


@lru_cache(maxsize=4096)
def _one_name(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name)


@lru_cache(maxsize=4096)
def _one_version(version: str) -> str:
    return canonicalize_version(version)


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


@lru_cache(maxsize=1024)
def _build(tag: str | None) -> tuple[()] | tuple[int, str]:
    match = re.match(r"(\d+)(.*)", tag) if tag else None
    return (int(match[1]), match[2]) if match else ()
