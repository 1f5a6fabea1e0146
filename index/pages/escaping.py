"""Text into pages, quickly where nothing in it needs escaping: file names, addresses, digests."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import NamedTuple

from markupsafe import escape as escape_as_templates_do

from index.addresses import link, link_to
from index.model import File

_PLAIN = re.compile(r"[A-Za-z0-9 ._+/:%@~!=,;()-]*")
_NAME = re.compile(r"[A-Za-z0-9._+-]+")
"""File names of which nothing but a ``+`` is quoted."""


class Linked(NamedTuple):
    """What every form of a page says of where a file is.

    Attributes:
        href: Its quoted address, as seen from a page two folders below the site.
        name: Its name.
        plain: Whether both can stand in HTML and in JSON as they are.
    """

    href: str
    name: str
    plain: bool


def linked(file: File) -> Linked:
    """A file's address and name: told once, and handed to all the pages that show it."""
    folder, _, last = file.url.rpartition("/")
    if last == file.filename and _NAME.fullmatch(last):
        # As nearly all are: only the folder, which others have too, needs quoting.
        start, plain = _start(folder)
        return Linked(start + last.replace("+", "%2B"), last, plain)
    href, name = link(file), file.filename
    return Linked(href, name, _PLAIN.fullmatch(href + name) is not None)


@lru_cache(maxsize=1024)
def _start(folder: str) -> tuple[str, bool]:
    """How the addresses of a folder's files begin; whether that can stand in any page."""
    start = link_to(f"{folder}/x" if folder else "x", 2)[:-1]
    return start, _PLAIN.fullmatch(start) is not None


def for_installers(text: str) -> str:
    """Escaped as `html.escape` does it."""
    return text if _PLAIN.fullmatch(text) else escape(text)


def for_people(text: str) -> str:
    """Escaped as Jinja does it, whose pages it goes into."""
    return text if _PLAIN.fullmatch(text) else str(escape_as_templates_do(text))
