"""What files, projects and versions of ours may be called, and which names are one."""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.utils import InvalidWheelFilename, canonicalize_version
from packaging.version import InvalidVersion, Version

from index.errors import EntryError
from index.wheelname import parse_wheel_name

NAME_LENGTH = 240
"""Characters of a file name at most: ``X.whl.provenance`` must be one too."""
_SAFE_NAME = re.compile(r"[A-Za-z0-9._+!-]+")
_PROJECT_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


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
