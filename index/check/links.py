"""Where the pages for people lead: every address in HTML and CSS that a browser may follow."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

_ADDRESSES = frozenset(
    {"href", "src", "action", "formaction", "poster", "data", "background", "manifest", "cite",
     "ping", "xlink:href"}
)  # fmt: skip
_SETS = frozenset({"srcset", "imagesrcset"})
_CSS = re.compile(
    r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^)]*))\s*\)|@import\s+(?:"([^"]*)"|'([^']*)')""", re.I
)
_REFRESH = re.compile(r"\burl\s*=\s*['\"]?([^'\"]+)", re.I)
_HARMLESS = ("data:", "#")
"""Addresses that ask nobody for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a link leads.

    Attributes:
        path: Relative to the site (``../`` where it leaves it), a folder as its page.
        elsewhere: ``scheme://host`` of an absolute address, or None.
    """

    path: str
    elsewhere: str | None


def links_of_html(text: str) -> tuple[list[str], str | None]:
    """Every address in a page for people, and what is wrong with the page."""
    if not text[:15].lower().startswith("<!doctype html>"):
        return [], "it does not begin with '<!doctype html>'"
    reader = _Links()
    try:
        reader.feed(text)
        reader.close()
    except (AssertionError, ValueError, NotImplementedError) as error:
        return [], f"it cannot be parsed ({error})"
    return reader.found, None


def links_of_css(text: str) -> Iterator[str]:
    """Every address in a style sheet."""
    for match in _CSS.finditer(text):
        yield next(group for group in match.groups() if group is not None).strip()


def resolve(link: str, page: str, base_url: str | None) -> Target | None:
    """Where a link on a page leads; None where it asks nobody for anything.

    Args:
        link: As it stands.
        page: The page's path relative to the site.
        base_url: The site's own address, where it is known.

    Raises:
        ValueError: it is no address.
    """
    link = link.strip()
    if not link or link.startswith(_HARMLESS):
        return None
    if base_url is not None and f"{link}/".startswith(f"{base_url}/"):
        link, page = link.removeprefix(base_url).lstrip("/") or ".", ""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return Target(path=link, elsewhere=f"{parts.scheme or 'http'}://{parts.netloc}")
    if parts.path.startswith("/"):
        return Target(path=link, elsewhere="the root of the host")
    if not parts.path:
        return None
    path = unquote(parts.path)
    found = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if path.endswith(("/", "/.", "/..")) or path in (".", ".."):
        found = posixpath.normpath(f"{found}/index.html")
    return Target(path=found, elsewhere=None)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        told = {name: value or "" for name, value in attrs}
        for name, value in told.items():
            if name in _ADDRESSES:
                self.found.append(value)
            elif name in _SETS:
                self.found += [one.split()[0] for one in value.split(",") if one.strip()]
            elif name == "style":
                self.found += links_of_css(value)
        if tag == "meta" and told.get("http-equiv", "").lower() == "refresh":
            self.found += _REFRESH.findall(told.get("content", ""))

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if self._style:
            self.found += links_of_css(data)
