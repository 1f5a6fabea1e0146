"""The pages people look at: as the ledger would have them, and leading nowhere they should not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from index.check.findings import Finding, finding
from index.check.links import links_of_css, links_of_html, resolve
from index.check.simple import read_page
from index.check.source import Missing, Source, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where links may lead.

    Attributes:
        paths: Everything of the site, and the files it names beside itself.
        hosts: ``scheme://host`` of the files it names elsewhere.
        base_url: The site's own address, where it is known.
    """

    paths: frozenset[str]
    hosts: frozenset[str]
    base_url: str | None


def host_of(url: str) -> str:
    """``scheme://host`` of an absolute address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check_people_page(source: Source, path: str, wanted: bytes, bounds: Bounds) -> list[Finding]:
    """A page, style sheet or script: what it holds, and its links."""
    answer, found = read_page(source, path)
    if answer is None:
        return found
    place = source.place(path)
    if answer.data != wanted:
        there = _first_difference(wanted, answer.data)
        found.append(finding("content", place, "the page that the ledger makes", there))
    text = answer.data.decode("utf-8", "replace")
    if path.endswith(".html"):
        links, problem = links_of_html(text)
        if problem is not None:
            found.append(finding("page", place, "a page browsers read", problem))
    else:
        links = list(links_of_css(text)) if path.endswith(".css") else []
    found += _check_links(source, path, links, bounds)
    return found


def _check_links(source: Source, path: str, links: list[str], bounds: Bounds) -> Iterator[Finding]:
    place = source.place(path)
    for link in dict.fromkeys(links):
        try:
            target = resolve(link, path, bounds.base_url)
        except ValueError as error:
            yield finding("link", place, "an address", f"{link} ({error})")
            continue
        if target is None:
            continue
        if target.elsewhere is not None:
            if target.elsewhere not in bounds.hosts:
                yield finding("link", place, "links to the site and the files' hosts", link)
        elif target.path not in bounds.paths and not _is_there(source, target.path):
            yield finding("link", place, "links to what is there", link)


def _is_there(source: Source, path: str) -> bool:
    if path.startswith("../"):
        return False
    try:
        source.size(path)
    except (Missing, Unreadable):
        return False
    return True


def _first_difference(wanted: bytes, there: bytes) -> str:
    lines = zip(wanted.splitlines(), there.splitlines(), strict=False)
    for number, (one, other) in enumerate(lines, start=1):
        if one != other:
            return f"another one, from line {number} on"
    return f"{len(there)} bytes, not {len(wanted)}"
