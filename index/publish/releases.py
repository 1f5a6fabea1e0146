"""Releases and their assets, as GitHub's REST API gives and takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

import requests
import urllib3

from index.errors import PublishError
from index.publish.assets import Asset, Release, There
from index.publish.rest import (
    Answered,
    Rest,
    Unavailable,
    check_address,
    read_list,
    read_object,
)

PAGE = 100
CHUNK = 256 * 1024
_RIGHTS = (
    "the token must be allowed to write the repository's contents "
    "(`permissions: contents: write` in a workflow)"
)


class Releases:
    """The releases of one repository.

    Args:
        rest: Asks.
        api: The API's address.
        repo: ``OWNER/REPO``.
        uploads: Where files are sent to; None: where each release says.
    """

    def __init__(self, rest: Rest, *, api: str, repo: str, uploads: str | None = None) -> None:
        self._rest = rest
        self._repo = repo
        self._base = f"{check_address(api, '--api')}/repos/{repo}"
        self._uploads = check_address(uploads, "--uploads") if uploads else None

    def check(self) -> None:
        """See whether the repository is there.

        Raises:
            PublishError: it is not, or not for this token.
        """
        self._ask("GET", self._base)

    def find(self, tag: str) -> Release | None:
        """The release of a tag with all its assets, or None where there is none."""
        try:
            answer = self._rest.ask("GET", f"{self._base}/releases/tags/{quote(tag, safe='')}")
        except Answered as error:
            if error.status == requests.codes.not_found:
                return None
            raise self._no(error, tag) from None
        except Unavailable as error:
            raise _away(error) from None
        release = _release(read_object(answer))
        return replace(release, assets=self.assets(release))

    def assets(self, release: Release) -> tuple[There, ...]:
        """All assets of a release, page by page."""
        url: str | None = f"{self._base}/releases/{release.number}/assets?per_page={PAGE}"
        found: list[There] = []
        while url is not None:
            answer = self._ask("GET", url)
            found += [_there(one) for one in read_list(answer)]
            following = answer.links.get("next", {}).get("url")
            url = self._ours(following) if following else None
        return tuple(found)

    def create(self, tag: str, body: str) -> Release:
        """Make a release, published and not called the latest; its tag is made with it.

        One that is there already, or appeared meanwhile, is taken.
        """
        told = {"tag_name": tag, "name": tag, "body": body, "make_latest": "false"}
        try:
            answer = self._rest.ask("POST", f"{self._base}/releases", json=told, ok=(201,))
        except Answered as error:
            if "already_exists" not in error.codes:
                raise self._no(error, tag) from None
        except Unavailable as error:
            raise _away(error) from None
        else:
            return _release(read_object(answer))
        for failures in range(1, self._rest.pace.tries):
            there = self.find(tag)
            if there is not None:
                return there
            self._rest.pace.pause(failures)
        raise PublishError(
            f"GitHub says that release '{tag}' exists, and does not show it",
            remedy="a draft may have that tag: publish it or delete it, and run the command again",
        )

    def upload(self, release: Release, asset: Asset, sent: Callable[[int], None]) -> There:
        """Send an asset, once.

        Args:
            release: Where to.
            asset: What.
            sent: Told how many bytes went out so far.

        Raises:
            Answered: its name is taken (``already_exists``).
            Unavailable: it broke off; some of it may be there.
            PublishError: it is refused.
        """
        try:
            answer = self._rest.ask(
                "POST",
                f"{self._upload_url(release)}?name={quote(asset.name, safe='')}",
                body=lambda: Sending(asset, sent),
                ok=(201,),
                again=False,
            )
        except Answered as error:
            if "already_exists" in error.codes:
                raise
            raise self._no(error, asset.name) from None
        return _there(read_object(answer))

    def delete(self, there: There) -> None:
        """Delete what is left of an upload that broke off; it may be gone already."""
        url = f"{self._base}/releases/assets/{there.number}"
        self._ask("DELETE", url, ok=(204, 404))

    def digest(self, there: There) -> tuple[str, int]:
        """The sha256 and the size of an asset's bytes, fetched as users fetch them.

        Raises:
            PublishError: they cannot be fetched.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with self._rest.fetch(there.url) as answer:
                for chunk in answer.raw.stream(CHUNK, decode_content=False):
                    digest.update(chunk)
                    size += len(chunk)
        except Answered as error:
            raise PublishError(
                f"{there.name}: GitHub has it, and users cannot fetch it: {error}",
                remedy="is the repository public?",
            ) from None
        except (Unavailable, urllib3.exceptions.HTTPError, OSError) as error:
            raise PublishError(
                f"{there.name}: it broke off while it was read back: {self._rest.hide(str(error))}",
                remedy="run the same command again",
            ) from None
        return digest.hexdigest(), size

    def _ask(self, method: str, url: str, *, ok: tuple[int, ...] = (200,)) -> requests.Response:
        try:
            return self._rest.ask(method, url, ok=ok)
        except Answered as error:
            raise self._no(error, self._repo) from None
        except Unavailable as error:
            raise _away(error) from None

    def _no(self, error: Answered, what: str) -> PublishError:
        remedies = {
            301: "the repository was renamed: say its new name with --repo",
            401: "the token is wrong or has expired",
            403: _RIGHTS,
            404: f"is there a repository '{self._repo}'? {_RIGHTS}",
        }
        return PublishError(f"{what}: GitHub refused: {error}", remedy=remedies.get(error.status))

    def _ours(self, url: str) -> str:
        """An address the API names, if it is the API's own: the token goes nowhere else."""
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise PublishError("the API names a page of its list on another host")
        return url

    def _upload_url(self, release: Release) -> str:
        if self._uploads is not None:
            return f"{self._uploads}/repos/{self._repo}/releases/{release.number}/assets"
        return check_address(release.upload_url.partition("{")[0], "the release's upload address")


class Sending:
    """An asset on its way out: a stream of known length."""

    def __init__(self, asset: Asset, sent: Callable[[int], None]) -> None:
        self._size = asset.size
        self._chunks = _chunks(asset.content)
        self._sent = sent

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        done = 0
        for chunk in self._chunks:
            yield chunk
            done += len(chunk)
            self._sent(done)


def _chunks(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        yield from _blocks(file)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(CHUNK):
        yield block


def _away(error: Unavailable) -> PublishError:
    return PublishError(
        f"GitHub is out of reach: {error}",
        remedy="run the same command again; it goes on where it stopped",
    )


def _release(data: dict[str, Any]) -> Release:
    try:
        return Release(
            number=int(data["id"]),
            tag=str(data["tag_name"]),
            immutable=bool(data.get("immutable")),
            upload_url=str(data["upload_url"]),
        )
    except (KeyError, TypeError, ValueError):
        raise PublishError("the API's answer describes no release; is --api right?") from None


def _there(data: dict[str, Any]) -> There:
    kind, _, digest = str(data.get("digest") or "").partition(":")
    try:
        return There(
            number=int(data["id"]),
            name=str(data["name"]),
            size=int(data["size"]),
            state=str(data["state"]),
            sha256=digest if kind == "sha256" else None,
            url=str(data["browser_download_url"]),
        )
    except (KeyError, TypeError, ValueError):
        raise PublishError("the API's answer describes no asset; is --api right?") from None
