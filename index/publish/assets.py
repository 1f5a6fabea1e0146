"""What is wanted on a GitHub release, and what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

LIMIT = 2 * 1024**3
"""Bytes: an asset must have fewer."""
MOST_ASSETS = 1000
"""Assets a release may have."""
UPLOADED = "uploaded"
_KEPT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*[A-Za-z0-9_]")
"""Names that GitHub leaves as they are; other characters it replaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that should be on a release.

    Attributes:
        name: Its name.
        tag: The release's tag.
        kind: ``wheel``, or what lies ``beside`` one.
        content: Where its bytes are, or the bytes.
        size: Bytes.
        sha256: Of its bytes.
        url: Where it will be fetched from, with a plain ``+``.
    """

    name: str
    tag: str
    kind: Literal["wheel", "beside"]
    content: Path | bytes
    size: int
    sha256: str
    url: str

    @property
    def keeps_its_name(self) -> bool:
        """Whether GitHub takes the name as it is."""
        return _KEPT_NAME.fullmatch(self.name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """A file that a release has.

    Attributes:
        number: GitHub's number of it.
        name: Its name.
        size: Bytes.
        state: ``uploaded``; anything else is the rest of an upload that broke off.
        sha256: Of its bytes, where GitHub says it.
        url: Where users fetch it.
    """

    number: int
    name: str
    size: int
    state: str
    sha256: str | None
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release as it is.

    Attributes:
        number: GitHub's number of it.
        tag: Its tag.
        immutable: Whether GitHub takes no more files for it.
        upload_url: Where files for it are sent to.
        assets: Its files.
    """

    number: int
    tag: str
    immutable: bool
    upload_url: str
    assets: tuple[There, ...] = ()


def difference(asset: Asset, there: There) -> str | None:
    """How a whole file that is there differs from the one wanted; None: not, as far as is told."""
    if there.size != asset.size:
        return f"it has {there.size} bytes there, and {asset.size} here"
    if there.sha256 is not None and there.sha256 != asset.sha256:
        return f"it has sha256 {there.sha256} there, and {asset.sha256} here"
    return None


def wrong_address(asset: Asset, there: There) -> str | None:
    """What is wrong with where users fetch it; None: nothing."""
    told = unquote(there.url)
    if told.casefold() == asset.url.casefold():  # owner and repository have no case
        return None
    return f"the index would name '{asset.url}', and it is at '{told}'"
