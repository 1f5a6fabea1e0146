"""Where files are: which addresses they may have, and how pages link to them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from index.errors import EntryError

if TYPE_CHECKING:
    from index.model import File

URL = re.compile(r"(?:https?|file)://[!$-&(-;=@-\[\]-~]+")
"""Printable ASCII, no quotes, brackets or backslash, and no query: ``.metadata`` goes behind it."""
ACCOUNT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*@")
"""An address that begins with a name, and perhaps a password."""
RELATIVE_URL = re.compile(r"(?:\.\./)*[A-Za-z0-9._+!-]+(?:/[A-Za-z0-9._+!-]+)*")


def check_url(url: str) -> None:
    """Refuse an address that is neither ``http(s):``, ``file:`` nor a plain relative path.

    Raises:
        EntryError: it is neither, or wanders through ``.`` or ``..`` inside.
    """
    steps = set(re.sub(r"^(?:\.\./)+", "", url).split("/"))
    inside = RELATIVE_URL.fullmatch(url) and not {".", ".."} & steps
    if not inside and not URL.fullmatch(url):
        raise EntryError(f"{url!r} is not an address a wheel can have")


def split_address(url: str) -> SplitResult | None:
    """The parts of an address, or None where it has none: ``https://[``, or a port of letters.

    `urlsplit` raises a bare ``ValueError`` there, for a port only once somebody asks for it.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 -- it is judged where it is asked for
    except ValueError:
        return None
    return parts


def refuse_account(url: str, what: str) -> None:
    """Refuse an address with a name or a password in it: it would be published, logged or shown.

    Args:
        url: The address, or a path.
        what: What it was given as; the address itself is not repeated.

    Raises:
        EntryError: there is one in it.
    """
    if ACCOUNT.match(url):
        raise EntryError(
            f"{what}: an address with no name and no password in it is needed",
            remedy="what is published is read without an account; tokens come from the environment",
        )


def link(file: File, *, depth: int = 2) -> str:
    """The quoted address of a file as seen from a page ``depth`` folders below the site.

    ``+`` becomes ``%2B``: some servers read a bare one as a space.
    """
    return link_to(file.url, depth)


def link_to(url: str, depth: int) -> str:
    """As `link`, to what lies at ``url``."""
    folder, slash, name = url.rpartition("/")
    if "://" in folder:
        return f"{_quoted_base(folder)}/{name.replace('+', '%2B')}"
    return f"{'../' * depth}{_quoted(folder)}{slash}{_quoted(name)}"


@lru_cache(maxsize=1024)
def _quoted_base(folder: str) -> str:
    """An absolute address, whose host stays as it is."""
    scheme, _, rest = folder.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{slash}{path.replace('+', '%2B')}"


@lru_cache(maxsize=4096)
def _quoted(path: str) -> str:
    # Between the +: quote() is quick where it has nothing to quote.
    return "%2B".join([quote(part, safe="/") for part in path.split("+")])


def provenance_url(file: File, base_url: str | None) -> str | None:
    """Where a file's attestations lie, or None where it has none that a page may name.

    PEP 740 wants a whole address on a secure origin; a relative link is not one.

    Args:
        file: The file.
        base_url: The site's own address, where it has one.
    """
    if not file.provenance:
        return None
    address = link(file)
    if "://" not in address and base_url is not None:
        address = urljoin(f"{base_url.rstrip('/')}/", link(file, depth=0))
    return f"{address}.provenance" if address.startswith("https://") else None


def folder_url(base: str, filename: str) -> str:
    """The address of a file in the folder ``base``, which may be relative; a ``+`` stays one."""
    base = base.rstrip("/")
    return f"{base}/{filename}" if base else filename
