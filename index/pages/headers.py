"""Reading a METADATA's header fields: as much as a page shows, as cheaply as it can be done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

_DEPENDENCY = re.compile(r"\nRequires-Dist:(.*)", re.IGNORECASE | re.ASCII)
LINKS = 8
"""Project links shown at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a project's page says of the project itself, from one METADATA (all of it untrusted)."""

    summary: str = ""
    licence: str = ""
    links: tuple[tuple[str, str], ...] = ()
    """Label and address; only ``http:`` and ``https:``."""


def header_lines(metadata: str) -> list[str]:
    """The lines before the description."""
    return _headers(metadata).split("\n")


@lru_cache(maxsize=8)
def dependencies(metadata: str) -> tuple[str, ...]:
    """Every ``Requires-Dist``, as written; the wheels of one version often share their METADATA."""
    # Read for each of 100,000 files: no email parser here.
    headers = f"\n{_headers(metadata)}"
    first = _DEPENDENCY.search(headers)
    return () if first is None else _dependencies(headers[first.start() :])


@lru_cache(maxsize=64)
def _dependencies(headers: str) -> tuple[str, ...]:
    """Those of some headers; those of a project's versions often are the same."""
    return tuple([one.strip() for one in _DEPENDENCY.findall(headers)])


def _headers(metadata: str) -> str:
    if "\r" in metadata:
        metadata = metadata.replace("\r\n", "\n")
    return metadata.partition("\n\n")[0]


def summary(metadata: str) -> str:
    """The first line of ``Summary``, or nothing."""
    return next(_values(metadata, "summary"), "")


def about(metadata: str) -> About:
    """Summary, licence and links."""
    licence = next(_values(metadata, "license-expression"), "") or next(
        _values(metadata, "license"), ""
    )
    links = [_link(value) for value in _values(metadata, "project-url")]
    links += [_link(f"Homepage, {value}") for value in _values(metadata, "home-page")]
    good = dict.fromkeys(link for link in links if link is not None)
    return About(summary=summary(metadata), licence=licence[:300], links=tuple(good)[:LINKS])


def _values(metadata: str, name: str) -> Iterator[str]:
    for line in header_lines(metadata):
        key, colon, value = line.partition(":")
        if colon and key.lower() == name and value.strip() not in ("", "UNKNOWN"):
            yield value.strip()


def _link(value: str) -> tuple[str, str] | None:
    label, comma, address = value.partition(",")
    address = address.strip()
    if not comma or not address.isprintable() or set(address) & set(" \"'<>\\"):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return label.strip()[:40] or parts.netloc, address
