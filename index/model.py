"""The site before it is written: roots, projects and files, in the order they will stand in."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from index.errors import EntryError
from index.records import Record

DEFAULT_ROOT = "simple"
"""The root with no CUDA in its name, for users who name none."""
FILES = "files"
"""Folder of the site that wheels and their metadata lie in."""
ROOT_NAME = re.compile(r"[a-z][a-z0-9]*")
URL = re.compile(r"(?:https?|file)://[^\s\"'<>\\]+")
RELATIVE_URL = re.compile(r"[A-Za-z0-9._+!-]+(?:/[A-Za-z0-9._+!-]+)*")
_SAFE_NAME = re.compile(r"[A-Za-z0-9._+!-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One advertised file.

    Attributes:
        record: What the wheel is.
        url: Where its bytes are: absolute, or relative to the site (``files/X.whl``, not yet
            quoted); None means ``files/`` and its name.
        uploaded: When it was published (RFC 3339, UTC), where known.
        yanked: Why it was yanked (may be empty), or None.
    """

    record: Record
    url: str | None = None
    uploaded: str | None = None
    yanked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project's files in one root, oldest version first."""

    name: str
    files: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One index: what ``--extra-index-url`` points at."""

    name: str
    projects: tuple[Project, ...]


def make_roots(entries: Iterable[Entry], *, default_cuda: str | None = None) -> tuple[Root, ...]:
    """Sort entries into one root per CUDA, and ``simple`` for the default CUDA.

    A wheel of no CUDA stands in every root. ``simple`` has the default CUDA's files, or, where none
    is set, only those of no CUDA.

    Raises:
        EntryError: a record contradicts its file name, or two files cannot stand side by side.
    """
    listed = tuple(entries)
    _check_names(listed)
    labels = sorted({entry.record.cuda for entry in listed if entry.record.cuda is not None})
    for label in labels:
        if not ROOT_NAME.fullmatch(label) or label in (DEFAULT_ROOT, FILES):
            raise EntryError(f"'{label}' cannot be the name of an index root")
    roots = [(label, label) for label in labels]
    if default_cuda in labels or any(entry.record.cuda is None for entry in listed):
        roots.append((DEFAULT_ROOT, default_cuda or ""))
    return tuple(
        Root(name=name, projects=_projects(listed, label)) for name, label in sorted(roots)
    )


def check_record(record: Record) -> None:
    """Refuse a record whose parts contradict each other.

    Raises:
        EntryError: its name, version, build tag or tags are not those of its file name, its
            requires-python is no specifier, or its file name has characters no wheel has.
    """
    where = record.filename
    if not _SAFE_NAME.fullmatch(where):
        raise EntryError(f"{where!r}: not a wheel's file name")
    try:
        name, version, build, tags = parse_wheel_filename(where)
        same = version == Version(record.version)
        SpecifierSet(record.requires_python or "")
    except (InvalidWheelFilename, InvalidVersion, InvalidSpecifier) as error:
        raise EntryError(f"{where}: {error}") from error
    digest = hashlib.sha256(record.metadata.encode()).hexdigest()
    told = {
        "name": (record.name, str(name)),
        "version": (record.version, record.version if same else str(version)),
        "tags": (tuple(sorted(record.tags)), tuple(sorted(str(tag) for tag in tags))),
        "build tag": (record.build_tag or "", f"{build[0]}{build[1]}" if build else ""),
    }
    if digest != record.metadata_sha256:
        raise EntryError(
            f"{where}: its record's METADATA has sha256 {digest}, not the one recorded"
        )
    for what, (recorded, named) in told.items():
        if recorded != named:
            raise EntryError(f"{where}: its record says {what} {recorded!r}, its name {named!r}")


def check_url(url: str) -> None:
    """Refuse an address that is neither ``http(s):``, ``file:`` nor a plain path inside the site.

    Raises:
        EntryError: it is neither, or climbs out of the site.
    """
    inside = RELATIVE_URL.fullmatch(url) and not {".", ".."} & set(url.split("/"))
    if not inside and not URL.fullmatch(url):
        raise EntryError(f"{url!r} is not an address a wheel can have")


def link(entry: Entry, *, files_url: str | None) -> str:
    """The quoted address of a file, as seen from its project's page (``+`` as ``%2B``)."""
    if entry.url is not None and "://" in entry.url:
        before, path, after = entry.url.partition(urlsplit(entry.url).path)
        return f"{before}{path.replace('+', '%2B')}{after}" if path else entry.url
    path = entry.url or posixpath.join(FILES, entry.record.filename)
    if files_url is not None:
        return f"{files_url.rstrip('/')}/{quote(posixpath.basename(path), safe='')}"
    return "../../" + quote(path, safe="/")


def _projects(entries: tuple[Entry, ...], label: str) -> tuple[Project, ...]:
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.record.cuda in (None, label):
            grouped.setdefault(entry.record.name, []).append(entry)
    return tuple(
        Project(name=name, files=tuple(sorted(grouped[name], key=_order)))
        for name in sorted(grouped)
    )


def _order(entry: Entry) -> tuple[Version, tuple[()] | tuple[int, str], str]:
    _, version, build, _ = parse_wheel_filename(entry.record.filename)
    return version, build, entry.record.filename


def _check_names(entries: tuple[Entry, ...]) -> None:
    seen: dict[str, str] = {}
    for entry in entries:
        check_record(entry.record)
        if entry.url is not None:
            check_url(entry.url)
        name = entry.record.filename
        # Drive and some file systems hold one of two names that differ in case only.
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            raise EntryError(f"'{twin}' and '{name}' differ in case only")
        if entry.record.name != canonicalize_name(entry.record.name):
            raise EntryError(f"{name}: '{entry.record.name}' is not a normalised name")
    if len(seen) != len(entries):
        raise EntryError("the same file name is there twice")
