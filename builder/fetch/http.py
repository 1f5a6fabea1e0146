"""Asking an address for its bytes, whole or from somewhere in the middle."""

from __future__ import annotations

import contextlib
import email.utils
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
import urllib3

from builder import __version__
from builder.fetch.location import Location, PermanentError, TransientError
from builder.fetch.settings import FetchSettings
from index.transport import TrustingAdapter

CHUNK = 64 * 1024
"""Small, so that a slow server is not waited for long when somebody wants to stop."""
LONGEST_PAGE = 64 * 1024 * 1024
TOO_MANY_REQUESTS, TIMED_OUT, TOO_EARLY = 429, 408, 425
PARTIAL, RANGE_REFUSED = 206, 416
_CONNECTION = re.compile(r"^<?[\w.]*Connection(?:Pool)?\b.*?[>)]: ")
"""What urllib3 puts first, its connection: ``HTTPConnection(host='…', port=9): Failed to …``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer under way.

    Attributes:
        start: Position in the file of the first byte that comes.
        total: Length of the whole file, where the server says it.
        validator: What names this very version to the server later (``ETag``), or None.
        chunks: The bytes; raises TransientError where the connection fails.
    """

    start: int
    total: int | None
    validator: str | None
    chunks: Iterator[bytes]


class RangeRefusedError(PermanentError):
    """The server has no bytes at the position asked for, or sends others."""


class Client:
    """One worker's connections; not shared between threads."""

    def __init__(self, settings: FetchSettings) -> None:
        self._timeout = (settings.connect_timeout, settings.read_timeout)
        self._session = _session()
        self._session.mount("https://", TrustingAdapter())
        self._unchecked: requests.Session | None = None

    def close(self) -> None:
        """Close every connection."""
        self._session.close()
        if self._unchecked is not None:
            self._unchecked.close()

    @contextlib.contextmanager
    def open(self, location: Location, *, start: int, validator: str | None) -> Iterator[Stream]:
        """Ask for the file from byte ``start`` on; the answer may begin earlier.

        Raises:
            PermanentError: the place does not have it.
            TransientError: it may have it later.
            RangeRefusedError: the place has nothing at ``start``.
        """
        if urlsplit(location.url).scheme == "file":
            with _open_file(location, start) as stream:
                yield stream
            return
        headers = {"Accept-Encoding": "identity"}
        if start > 0:
            headers["Range"] = f"bytes={start}-"
            if validator is not None:
                headers["If-Range"] = validator
        with self._get(location, headers) as response:
            yield _stream(response, start)

    def page(self, location: Location, accept: str) -> tuple[bytes, str, str] | None:
        """A page whole, its content type and final address; None where there is none (404, 410).

        Of a folder (``file:``), its ``index.html``.

        Raises:
            PermanentError, TransientError: as for ``open``.
        """
        if urlsplit(location.url).scheme == "file":
            return _page_file(location)
        try:
            with self._get(location, {"Accept": accept}) as response:
                content = _read_page(response)
                return content, response.headers.get("Content-Type", ""), response.url
        except PermanentError as error:
            if isinstance(error, _StatusError) and error.status in (404, 410):
                return None
            raise

    @contextlib.contextmanager
    def _get(self, location: Location, headers: dict[str, str]) -> Iterator[requests.Response]:
        session = self._trusting() if location.trusted else self._session
        proxy = location.proxy
        try:
            response = session.get(
                location.url,
                headers=headers,
                stream=True,
                timeout=self._timeout,
                verify=False if location.trusted else location.cert,
                cert=location.client_cert,
                proxies={"http": proxy, "https": proxy} if proxy else None,
            )
        except requests.exceptions.RequestException as error:
            raise _request_error(error) from error
        with response:
            if response.status_code not in (200, PARTIAL):
                raise _status_error(response)
            yield response

    def _trusting(self) -> requests.Session:
        """The session for hosts whose certificate goes unchecked, as the user told pip."""
        if self._unchecked is None:
            # For the whole process: changing warnings for a while is not safe among threads.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
            self._unchecked = _session()
        return self._unchecked


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = f"gpu-wheelhouse/{__version__}"
    return session


class _StatusError(PermanentError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _stream(response: requests.Response, start: int) -> Stream:
    length = _number(response.headers.get("Content-Length"))
    if response.status_code == PARTIAL:
        # "bytes 100-199/200"; a server may answer with another part than the one asked for.
        given = response.headers.get("Content-Range", "").removeprefix("bytes").strip()
        first = _number(given.partition("-")[0])
        if first != start:
            raise RangeRefusedError(f"asked for bytes from {start}, it sent '{given}'")
        total = _number(given.rpartition("/")[2])
    else:
        start, total = 0, length
    etag = response.headers.get("ETag")
    if etag is None or etag.startswith("W/"):  # a weak one may not be used for ranges
        etag = response.headers.get("Last-Modified")
    return Stream(start=start, total=total, validator=etag, chunks=_chunks(response))


def _chunks(response: requests.Response) -> Iterator[bytes]:
    # Undecoded: the hash is over the file itself, whatever Content-Encoding a server claims.
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TransientError(f"the connection broke off ({_plain(error)})") from error


def _read_page(response: requests.Response) -> bytes:
    content = bytearray()
    try:
        for chunk in response.iter_content(CHUNK):
            content += chunk
            if len(content) > LONGEST_PAGE:
                raise PermanentError(f"a page of more than {LONGEST_PAGE} bytes")
    except requests.exceptions.RequestException as error:
        raise TransientError(f"the connection broke off ({_plain(error)})") from error
    return bytes(content)


def _page_file(location: Location) -> tuple[bytes, str, str] | None:
    path = Path(url2pathname(urlsplit(location.url).path))
    try:
        if path.is_dir():
            path /= "index.html"
        return (path.read_bytes(), "text/html", location.url) if path.is_file() else None
    except OSError as error:
        raise PermanentError(_plain(error)) from error


@contextlib.contextmanager
def _open_file(location: Location, start: int) -> Iterator[Stream]:
    parts = urlsplit(location.url)
    if parts.netloc not in ("", "localhost"):
        raise PermanentError(f"a file: address names no host, this one '{parts.netloc}'")
    try:
        with Path(url2pathname(parts.path)).open("rb") as file:
            total = file.seek(0, 2)
            if start >= total > 0:
                raise RangeRefusedError(f"it has {total} bytes")
            file.seek(start)
            yield Stream(start=start, total=total, validator=None, chunks=_blocks(file))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise PermanentError(_plain(error)) from error


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(CHUNK):
        yield block


def _status_error(response: requests.Response) -> PermanentError | TransientError:
    status = response.status_code
    message = f"answered {status} {response.reason or ''}".rstrip()
    if status == RANGE_REFUSED:
        return RangeRefusedError(message)
    if status in (TOO_MANY_REQUESTS, TIMED_OUT, TOO_EARLY) or status >= 500:
        return TransientError(message, wait=retry_after(response.headers.get("Retry-After")))
    return _StatusError(status, message)


def _request_error(error: requests.exceptions.RequestException) -> PermanentError | TransientError:
    if isinstance(error, requests.exceptions.ReadTimeout):
        return TransientError("no answer in time")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return TransientError("no connection in time", reached=False)
    if isinstance(error, requests.exceptions.ConnectionError):  # SSLError and ProxyError too
        return TransientError(f"no connection ({_plain(error)})", reached=False)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return TransientError(f"the connection broke off ({_plain(error)})")
    return PermanentError(_plain(error))


def retry_after(value: str | None, now: float | None = None) -> float | None:
    """Seconds asked for by a ``Retry-After`` header (a number or a date); None if it says none."""
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return float(seconds)
    try:
        moment = email.utils.parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _plain(error: BaseException) -> str:
    """The innermost reason: requests and urllib3 wrap each other's errors three deep."""
    seen: BaseException = error
    for _ in range(8):
        inner = getattr(seen, "reason", None) or next(
            (part for part in seen.args if isinstance(part, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        seen = inner
    if isinstance(seen, OSError) and seen.strerror:
        return seen.strerror
    text = str(seen) or type(seen).__name__
    return _CONNECTION.sub("", text)
