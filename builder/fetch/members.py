"""What an archive may put where: pure rules over names and links, apart from any file."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Literal

Parts = tuple[str, ...]
Kind = Literal["file", "folder", "symlink"]
AbsoluteLinks = Literal["refuse", "rewrite"]


class UnsafeError(Exception):
    """A member that would reach outside the folder, or cannot be what it says."""


def name_parts(name: str) -> Parts:
    """A member's name as path components; empty for the archive's own root (``./``).

    Raises:
        UnsafeError: it is absolute, climbs with ``..`` or holds a NUL.
    """
    if name.startswith("/"):
        raise UnsafeError("its name is an absolute path")
    if "\0" in name:
        raise UnsafeError("its name holds a NUL")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise UnsafeError("its name climbs with '..'")
    return parts


def link_text(link: Parts, target: str, *, absolute: AbsoluteLinks, strip: int = 0) -> str:
    """What a symbolic link at ``link`` is to hold so that it stays inside the folder.

    ``..`` is allowed only in front, and no higher than the folder. Behind a name it would be
    taken from wherever a link of that name leads, which no look at the text can tell.

    Args:
        link: Where the link lies, after stripping.
        target: What the archive says.
        absolute: What to do with an absolute target: refuse it, or take it from the folder's root.
        strip: Leading components dropped from an absolute target, as from names.

    Raises:
        UnsafeError: it would lead outside.
    """
    if not target or "\0" in target:
        raise UnsafeError("it is a link to nothing")
    if target.startswith("/"):
        if absolute == "refuse":
            raise UnsafeError(f"it is a link to the absolute path '{target}'")
        wanted = name_parts(target.lstrip("/"))[strip:]
        return posixpath.relpath("/" + "/".join(wanted), "/" + "/".join(link[:-1]))
    parts = [part for part in target.split("/") if part not in ("", ".")]
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    if climbs > len(link) - 1:
        raise UnsafeError(f"it is a link to '{target}', outside the folder")
    if ".." in parts[climbs:]:
        raise UnsafeError(f"it is a link to '{target}', with '..' behind a name")
    # Without empty parts and dots: Python's own realpath takes a loop such as a -> a// for "/".
    return "/".join(parts) or "."


def matcher(patterns: Sequence[str]) -> Callable[[Parts], bool]:
    """Whether a path is wanted: any of the fnmatch patterns, or all where there is none."""
    if not patterns:
        return lambda _: True
    wanted = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))
    return lambda parts: wanted.match("/".join(parts)) is not None


class Tree:
    """What has been put where so far in a folder that nobody else writes to."""

    def __init__(self) -> None:
        self._kinds: dict[Parts, Kind] = {(): "folder"}

    def kind(self, parts: Parts) -> Kind | None:
        """What lies there, None where there is nothing."""
        return self._kinds.get(parts)

    def add(self, parts: Parts, kind: Kind) -> tuple[list[Parts], bool]:
        """Note a new member: the folders to make for it, and whether it takes another's place.

        Raises:
            UnsafeError: a part of its path is no folder (a link among them is never gone through),
                or a folder lies where it should go.
        """
        missing: list[Parts] = []
        for depth in range(len(parts) - 1, 0, -1):
            there = self._kinds.get(parts[:depth])
            if there == "folder":
                break
            if there is not None:
                raise UnsafeError(f"its path goes through '{'/'.join(parts[:depth])}', a {there}")
            missing.append(parts[:depth])
        there = self._kinds.get(parts)
        if there is not None and (there == "folder") != (kind == "folder"):
            raise UnsafeError(f"a {there} of that name came before")
        missing.reverse()
        for folder in missing:
            self._kinds[folder] = "folder"
        self._kinds[parts] = kind
        return missing, there is not None
