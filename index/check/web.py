"""A site, or single files, over http: with time limits, few retries, and no host asked in vain."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from index.addresses import split_address
from index.check.source import (
    LONGEST_PAGE,
    Answer,
    Fetched,
    Folder,
    Missing,
    Source,
    Unreadable,
    local_path,
)
from index.errors import SiteError
from index.transport import TrustingAdapter

CHUNK = 256 * 1024
TIMEOUT = (10.0, 60.0)
"""Seconds to wait for a connection, and for the next bytes."""
RETRIES = 3
PAGE = "index.html"
_GONE = (404, 410)
_NEVER_THERE = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
)
"""Causes for which a host is not asked again."""
_AGENT = "gpu-wheelhouse index check"


class Web:
    """A site at an address.

    Args:
        base: The site's address; empty where only absolute addresses will be asked for.
        backoff: Seconds before the second retry; doubled for each further one.
        timeout: Seconds to wait for a connection, and for the next bytes.

    Raises:
        SiteError: ``base`` is no address.
    """

    def __init__(
        self, base: str, *, backoff: float = 0.5, timeout: tuple[float, float] = TIMEOUT
    ) -> None:
        _check_address(base)
        self.base = base.rstrip("/") + "/"
        self._backoff = backoff
        self._timeout = timeout
        self._own = threading.local()
        self._sessions: list[requests.Session] = []
        self._down: dict[str, str] = {}
        self._given_up = threading.Event()

    def close(self) -> None:
        """Close every connection."""
        for session in self._sessions:
            session.close()

    def give_up(self) -> None:
        """Let what other threads read break off: nobody waits for it any more."""
        self._given_up.set()

    def place(self, path: str) -> str:
        """The address that installers ask for: a folder for its page, ``%2B`` for a plus."""
        if "://" in path:
            return path.replace("+", "%2B")
        folder = path.removesuffix(PAGE) if path.rpartition("/")[2] == PAGE else path
        return urljoin(self.base, quote(folder, safe="/"))

    def read(self, path: str) -> Answer:
        """A small file."""
        with self._ask("GET", path) as response:
            data = bytearray()
            for chunk in self._chunks(response, decode=True):
                data += chunk
                if len(data) > LONGEST_PAGE:
                    raise Unreadable(f"more than {LONGEST_PAGE} bytes")
            kind = response.headers.get("Content-Type", "")
            return Answer(data=bytes(data), kind=kind, place=response.url)

    def size(self, path: str) -> int:
        """The size that the host tells of, without the bytes."""
        try:
            with self._ask("HEAD", path) as response:
                length = response.headers.get("Content-Length", "")
        except Unreadable:
            length = ""  # some hosts refuse HEAD for addresses they serve
        if not length.isdecimal():
            with self._ask("GET", path) as response:
                length = response.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Unreadable("the host tells no size; check without --fast")
        return int(length)

    @contextlib.contextmanager
    def fetch(self, path: str, size: int) -> Iterator[Fetched]:
        """A file in a temporary place."""
        with tempfile.TemporaryDirectory(prefix="index-check-") as folder:
            # The name stays: a wheel's says which METADATA it holds.
            file = Path(folder) / urlsplit(path).path.rpartition("/")[2]
            digest, length = hashlib.sha256(), 0
            with self._ask("GET", path) as response, file.open("wb") as stream:
                for chunk in self._chunks(response, decode=False):
                    digest.update(chunk)
                    length += len(chunk)
                    stream.write(chunk)
                    if length > size:
                        break
            yield Fetched(path=file, size=length, sha256=digest.hexdigest())

    @contextlib.contextmanager
    def _ask(self, method: str, path: str) -> Iterator[requests.Response]:
        url = self.place(path)
        if url.startswith("file:"):
            raise Unreadable(f"an address of one machine only: '{local_path(url)}'")
        host = urlsplit(url).netloc
        if self._given_up.is_set():
            raise Unreadable("it was given up")
        if host in self._down:
            raise Unreadable(self._down[host])
        try:
            response = self._session().request(
                method,
                url,
                stream=True,
                allow_redirects=True,
                timeout=self._timeout,
                headers={"Accept": "text/html, */*; q=0.1", "Accept-Encoding": "identity"},
            )
        except requests.exceptions.RequestException as error:
            reason = _plain(error)
            asked = error.request.url if error.request is not None else None
            if isinstance(_cause(error), _NEVER_THERE) and urlsplit(asked or "").netloc == host:
                self._down[host] = reason
            raise Unreadable(reason) from error
        with response:
            if response.status_code in _GONE:
                raise Missing(f"nothing (it answered {response.status_code})")
            if response.status_code != requests.codes.ok:
                raise Unreadable(f"it answered {response.status_code} {response.reason}".rstrip())
            yield response

    def _chunks(self, response: requests.Response, *, decode: bool) -> Iterator[bytes]:
        # Files undecoded: a hash is over the file itself, whatever Content-Encoding a host claims.
        try:
            for chunk in response.raw.stream(CHUNK, decode_content=decode):
                if self._given_up.is_set():
                    raise Unreadable("it was given up")
                yield chunk
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreadable(f"the connection broke off ({_plain(error)})") from error

    def _session(self) -> requests.Session:
        """This thread's own."""
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = _AGENT
            again = Retry(
                total=RETRIES,
                status_forcelist=(429, 500, 502, 503, 504),
                allowed_methods=("GET", "HEAD"),
                backoff_factor=self._backoff,
                raise_on_status=False,
                respect_retry_after_header=False,  # an hour is not worth waiting for
            )
            session.mount("http://", HTTPAdapter(max_retries=again))
            session.mount("https://", TrustingAdapter(max_retries=again))
            self._own.session = session
            self._sessions.append(session)
        return session


@contextlib.contextmanager
def source_at(where: str) -> Iterator[Source]:
    """A site at an ``http(s):`` or ``file:`` address or in a folder, while the block lasts.

    Raises:
        SiteError: it is none of these.
    """
    remote = where.startswith(("http://", "https://"))
    with contextlib.closing(Web(where if remote else "")) as web:
        yield web if remote else Folder(_folder(where), web)


def _folder(where: str) -> Path:
    if where.startswith("file:"):
        try:
            return local_path(where)
        except Unreadable as error:
            raise _no_address(f"'{where}' is {error}") from None
    if "://" in where:  # as a folder it would be nowhere, and might count as not there yet
        raise _no_address(f"'{where}' is no address of a site")
    return Path(where)


def _check_address(base: str) -> None:
    parts = split_address(base)
    if base and (parts is None or not parts.hostname):
        raise _no_address(f"'{base}' is no address of a site")


def _no_address(message: str) -> SiteError:
    return SiteError(message, remedy="write it like https://HOST/PATH")


def _cause(error: BaseException) -> BaseException:
    """What urllib3 said first, below what requests made of it."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None) or inner
    return reason if isinstance(reason, BaseException) else error


def _plain(error: BaseException) -> str:
    """An error as one line, without object addresses."""
    cause = _cause(error)
    told = str(cause)
    if isinstance(cause, urllib3.exceptions.ProtocolError) and len(cause.args) == 2:
        what, why = map(str, cause.args)  # its own text is both as Python writes a tuple
        told = what if why in what else f"{what} {why}"
    text = re.sub(r"^\(?[<A-Za-z]*Connection(?:Pool)?\b.*?[>)]: ", "", told)
    return " ".join(text.split()) or type(cause).__name__
