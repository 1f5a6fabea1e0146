"""A release's file as pip finds it: the simple page of each index this machine's pip asks."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from packaging.utils import canonicalize_name

from builder.fetch.artifact import Artifact
from builder.fetch.http import Client
from builder.fetch.location import Location, PermanentError, TransientError
from builder.fetch.pipconfig import PipSettings
from builder.fetch.settings import FetchSettings

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
ACCEPT = f"{JSON_TYPE}, application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.01"
PAGE_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One file on a simple page; ``yanked`` is the reason given, None where it is not yanked."""

    filename: str
    url: str
    sha256: str | None
    yanked: str | None = None


Page = tuple[Offer, ...]


def split_requirement(text: str) -> tuple[str, str]:
    """``NAME==VERSION`` in its two halves, the name normalised.

    Raises:
        PermanentError: it is not of that form.
    """
    name, separator, version = text.partition("==")
    if not separator or not name.strip() or not version.strip():
        raise PermanentError(f"'pypi:{text}' is not of the form pypi:NAME==VERSION")
    return canonicalize_name(name.strip()), version.strip()


def page_location(index: str, name: str, pip: PipSettings) -> Location:
    """Where an index keeps a project's page; a plain path is a folder on this machine."""
    if "://" not in index and not index.startswith("file:"):
        index = f"file://{index}"
    return location(f"{index.rstrip('/')}/{name}/", pip)


def location(url: str, pip: PipSettings) -> Location:
    """``url``, asked the way pip would ask it."""
    parts = urlsplit(url)
    trusted = parts.hostname in pip.trusted_hosts or parts.netloc in pip.trusted_hosts
    return Location(
        url=url,
        cert=pip.cert,
        client_cert=pip.client_cert,
        trusted=trusted and parts.scheme == "https",
        proxy=pip.proxy,
    )


def local(link: str) -> Path | None:
    """What one of pip's ``find-links`` names on this machine; None for an address elsewhere."""
    if link.startswith("file:"):
        return Path(url2pathname(urlsplit(link).path))
    return None if "://" in link else Path(link)


def read_page(where: Location, client: Client, settings: FetchSettings) -> Page:
    """A project's page, empty where the index has none.

    Raises:
        PermanentError: the index did not answer sensibly, even when asked again.
    """
    for attempt in range(1, PAGE_ATTEMPTS + 1):
        try:
            answer = client.page(where, ACCEPT)
            break
        except TransientError as error:
            if attempt == PAGE_ATTEMPTS:
                raise PermanentError(f"{error} ({attempt} attempts)") from error
            wait = max(settings.backoff * 2 ** (attempt - 1), error.wait or 0.0)
            time.sleep(min(wait, settings.longest_wait))
    if answer is None:
        return ()
    content, kind, url = answer
    kind = kind.partition(";")[0].strip().lower()
    try:
        return parse_json(content, url) if kind.endswith("json") else parse_html(content, url)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise PermanentError(f"its page cannot be read: {error}") from error


def parse_json(content: bytes, base: str) -> Page:
    """The files of a PEP 691 page read from ``base``."""
    offers = []
    for file in json.loads(content)["files"]:
        yanked = file.get("yanked", False)
        offers.append(
            Offer(
                filename=file["filename"],
                url=urljoin(base, file["url"]),
                sha256=file.get("hashes", {}).get("sha256"),
                yanked=None if yanked is False else yanked if isinstance(yanked, str) else "",
            )
        )
    return tuple(offers)


def parse_html(content: bytes, base: str) -> Page:
    """The files of a PEP 503 page read from ``base``."""
    parser = _Anchors(base)
    parser.feed(content.decode("utf-8", "replace"))
    return tuple(parser.offers)


class _Anchors(HTMLParser):
    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self.offers: list[Offer] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        href = values.get("href")
        if not href:
            return
        if tag == "base":
            self._base = urljoin(self._base, href)
        elif tag == "a":
            url, fragment = urldefrag(urljoin(self._base, href))
            yanked = (values["data-yanked"] or "") if "data-yanked" in values else None
            self.offers.append(
                Offer(
                    filename=unquote(urlsplit(url).path.rpartition("/")[2]),
                    url=url,
                    sha256=parse_qs(fragment).get("sha256", [None])[0],
                    yanked=yanked,
                )
            )


def choose(page: Page, artifact: Artifact) -> Offer | None:
    """The pinned file on an index's page; None where the index has no such project.

    Raises:
        PermanentError: the project is there, and the file is not, or with another hash.
    """
    if not page:
        return None
    named = [offer for offer in page if offer.filename == artifact.filename]
    if not named:
        raise PermanentError(f"the project is there, the file '{artifact.filename}' is not")
    for offer in named:
        if offer.sha256 is None or offer.sha256.lower() == artifact.sha256:
            return offer
    raise PermanentError(
        f"'{artifact.filename}' is there with sha256 {named[0].sha256}, not the pinned one"
    )
