"""What a package index serves: its simple pages, read as installers read them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from index.errors import PublishError
from index.publish.rest import AGENT, TIMEOUT, Unavailable, plain
from index.publish.twine_account import Account, Nobody
from index.publish.twine_plan import Item, Served
from index.transport import TrustingAdapter

if TYPE_CHECKING:
    from pypi_simple import ProjectPage

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.1"
)
ROOTS = ("simple/", "+simple/")
"""Where indexes keep their pages, below the upload address: most of them, and devpi."""
_KINDS = ("application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html", "text/html")
_GONE = (404, 410)
_MOVED = (301, 302, 303, 307, 308)
HOPS = 5
CHUNK = 1024 * 1024


class SimpleIndex:
    """The simple pages of one index.

    Args:
        upload: The upload address: the account is sent to its host alone.
        account: Signs what is asked of that host.
    """

    def __init__(self, upload: str, account: Account | None) -> None:
        self.root = ""
        self._origin = urlsplit(upload)[:2]
        self._account = account
        self._session = requests.Session()
        self._session.mount("https://", TrustingAdapter())
        self._session.auth = Nobody()

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def find(self, roots: Iterable[str]) -> None:
        """Take the first of these addresses at which an index answers.

        Raises:
            PublishError: none of them does.
            Unavailable: the server failed.
        """
        tried = list(roots)
        for root in tried:
            with self._ask(root) as answer:
                if answer.status_code in (401, 403):
                    raise _denied(root, answer.status_code)
                here = answer.url.rstrip("/") == root.rstrip("/")
                if answer.status_code == requests.codes.ok and _kind(answer) in _KINDS and here:
                    self.root = root
                    return
        raise PublishError(
            f"there is no index at {' or '.join(tried)}",
            remedy="say with --index-url where installers read it",
        )

    def files(self, project: str) -> dict[str, Served]:
        """What is served of a project, by file name; empty where there is no such project.

        Raises:
            PublishError: the page cannot be read.
            Unavailable: the server failed.
        """
        url = urljoin(self.root, f"{project}/")
        with self._ask(url) as answer:
            if answer.status_code in (*_GONE, *_MOVED):
                return {}  # moved: to another index, which serves what this one has not
            if answer.status_code in (401, 403):
                raise _denied(url, answer.status_code)
            if answer.status_code != requests.codes.ok:
                raise PublishError(f"{url}: it answered {answer.status_code}")
            if answer.url.rstrip("/") != url.rstrip("/"):
                raise PublishError(
                    f"{url} leads to {answer.url}, and no simple page is there",
                    remedy="does the index want a login? see --help for where it comes from",
                )
            page = _page(answer, project)
        return {
            one.filename: Served(
                filename=one.filename, url=one.url, sha256=one.digests.get("sha256")
            )
            for one in page.packages
        }

    def wanted(self, items: Iterable[Item]) -> dict[str, dict[str, Served]]:
        """By project, what is served of these wheels, each with its sha256.

        A file of which the index says no sha256 is fetched and hashed.

        Raises:
            PublishError: a page or a file cannot be read.
            Unavailable: the server failed.
        """
        found: dict[str, dict[str, Served]] = {}
        names = {item.filename for item in items}
        for project in sorted({item.project for item in items}):
            there = self.files(project)
            found[project] = {
                name: one if one.sha256 else replace(one, sha256=self._hashed(one))
                for name, one in there.items()
                if name in names
            }
        return found

    def _hashed(self, file: Served) -> str:
        digest = hashlib.sha256()
        try:
            with self._ask(file.url, anywhere=True) as answer:
                if answer.status_code != requests.codes.ok:
                    raise PublishError(
                        f"{file.filename}: the index lists it, and answered {answer.status_code}"
                    )
                for chunk in answer.raw.stream(CHUNK, decode_content=False):
                    digest.update(chunk)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"{file.filename} broke off while it was read: {error}") from None
        return digest.hexdigest()

    def _ask(self, url: str, *, anywhere: bool = False) -> requests.Response:
        """A page, streamed; the account goes to its own host alone, however often it is moved.

        Args:
            url: The address.
            anywhere: Whether to follow to other hosts.
        """
        for _ in range(HOPS):
            answer = self._once(url)
            moved = answer.headers.get("Location") if answer.status_code in _MOVED else None
            if moved is None:
                return answer
            url = urljoin(url, moved)
            if not anywhere and urlsplit(url)[:2] != self._origin:
                return answer
            answer.close()
        raise PublishError(f"{url}: it is moved again and again")

    def _once(self, url: str) -> requests.Response:
        ours = self._account is not None and urlsplit(url)[:2] == self._origin
        auth: AuthBase = self._account.auth() if self._account and ours else Nobody()
        headers = {"User-Agent": AGENT, "Accept": ACCEPT, "Accept-Encoding": "identity"}
        try:
            answer = self._session.get(
                url, headers=headers, auth=auth, stream=True, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise Unavailable(f"{urlsplit(url).netloc}: {plain(error)}") from None
        if answer.status_code >= 500 or answer.status_code == requests.codes.too_many_requests:
            answer.close()
            raise Unavailable(f"{urlsplit(url).netloc}: it answered {answer.status_code}")
        return answer


def roots_below(upload: str) -> tuple[str, ...]:
    """Where an index with this upload address may keep its pages."""
    return tuple(urljoin(upload, root) for root in ROOTS)


def _kind(answer: requests.Response) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _page(answer: requests.Response, project: str) -> ProjectPage:
    from pypi_simple import ProjectPage, UnsupportedContentTypeError, UnsupportedRepoVersionError

    try:
        return ProjectPage.from_response(answer, project)
    except (UnsupportedContentTypeError, UnsupportedRepoVersionError) as error:
        raise PublishError(f"{answer.url} is no simple page: {error}") from None
    except (requests.RequestException, OSError) as error:
        raise Unavailable(f"{answer.url} broke off: {plain(error)}") from None
    except ValueError as error:
        raise PublishError(f"{answer.url} is no simple page ({type(error).__name__})") from None


def _denied(url: str, status: int) -> PublishError:
    return PublishError(
        f"{url}: the index lets us not read it (it answered {status})",
        remedy="the name or the password is wrong, or may not read; see --help for where they "
        "come from",
    )
