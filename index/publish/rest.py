"""One question to GitHub's REST API: asked again where that may help, and never a token told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests

from index.addresses import split_address
from index.errors import PublishError
from index.publish.patience import Pace, limit_wait
from index.publish.token import Token
from index.transport import TrustingAdapter

VERSION = "2022-11-28"
AGENT = "gpu-wheelhouse publish"
TIMEOUT = (15.0, 300.0)
"""Seconds to wait for a connection, and for the next bytes."""
LONGEST_MESSAGE = 300
_CONNECTION = re.compile(r".*>: |HTTPS?Connection(?:Pool)?\(.*?\): ", re.DOTALL)
"""What urllib3 puts before its words: the connection, as an object."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Unavailable(Exception):
    """The server failed, or went away; whether it did what was asked is not known."""


class Answered(Exception):
    """The server answered no.

    Args:
        status: Its status.
        message: What it says, fit to be shown.
        codes: What it calls the errors (``already_exists``).
    """

    def __init__(self, status: int, message: str, codes: frozenset[str]) -> None:
        super().__init__(f"it answered {status}: {message}")
        self.status = status
        self.message = message
        self.codes = codes


class Rest:
    """Questions to one API.

    Args:
        token: Sent to the addresses handed to `ask`, and to no other.
        pace: How long is waited.
        said: Told of every wait.
    """

    def __init__(self, token: Token | None, pace: Pace, said: Callable[[str], None]) -> None:
        self.pace = pace
        self._token = token
        self._said = said
        self._session = requests.Session()
        self._session.mount("https://", TrustingAdapter())
        # A ~/.netrc would take the place of the token.
        self._session.auth = lambda request: request

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def hide(self, text: str) -> str:
        """Text from elsewhere as it may be shown: one line, no token."""
        text = " ".join(text.split()) if self._token is None else self._token.hide(text)
        text = " ".join(re.sub(r"[^ -~]+", " ", text).split())
        return text[:LONGEST_MESSAGE]

    def ask(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, object] | None = None,
        body: Callable[[], Iterable[bytes]] | None = None,
        ok: tuple[int, ...] = (200,),
        again: bool = True,
    ) -> requests.Response:
        """Ask, and ask again: after a rate limit always, after a failure where ``again`` says so.

        Args:
            method: The method.
            url: The address.
            json: What to send.
            body: Makes what to send instead, anew for each try.
            ok: Statuses that are an answer.
            again: Whether asking twice does no harm.

        Raises:
            Answered: no, and asking again will not change it.
            Unavailable: it failed, as often as is sensible to ask.
            PublishError: it wants to be left alone for longer than anybody waits.
        """
        failures = limited = 0
        while True:
            try:
                response = self._send(method, url, json, body)
                wait = self._limit(response, limited)
                if wait is not None:
                    limited += 1
                    self._wait_for_limit(wait)
                    continue
                if response.status_code < 500:
                    return self._judged(response, ok)
                trouble = f"it answered {response.status_code}"
            except requests.RequestException as error:
                trouble = self._plain(error)
            failures += 1
            if not again or failures >= self.pace.tries:
                raise Unavailable(f"{urlsplit(url).netloc}: {trouble}")
            self.pace.pause(failures)

    def fetch(self, url: str) -> requests.Response:
        """A file, streamed, with no token sent and redirects followed.

        Raises:
            Answered: it is not there.
            Unavailable: the server failed.
        """
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        try:
            response = self._session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise Unavailable(f"{urlsplit(url).netloc}: {self._plain(error)}") from None
        if response.status_code >= 500:
            raise Unavailable(f"{urlsplit(url).netloc}: it answered {response.status_code}")
        return self._judged(response, (200,))

    def _send(
        self,
        method: str,
        url: str,
        json: Mapping[str, object] | None,
        body: Callable[[], Iterable[bytes]] | None,
    ) -> requests.Response:
        headers = {
            "User-Agent": AGENT,
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }
        if self._token is not None:
            headers["Authorization"] = self._token.header()
        if body is not None:
            headers["Content-Type"] = "application/octet-stream"
        return self._session.request(
            method,
            url,
            headers=headers,
            json=json,
            data=None if body is None else body(),
            timeout=TIMEOUT,
            allow_redirects=False,  # the token goes nowhere but here
        )

    def _limit(self, response: requests.Response, limited: int) -> float | None:
        message, _ = self._told(response)
        return limit_wait(response.status_code, response.headers, message, self.pace, limited)

    def _wait_for_limit(self, seconds: float) -> None:
        if seconds > self.pace.longest:
            raise PublishError(
                f"GitHub's rate limit asks to wait {seconds:.0f} seconds",
                remedy="run the same command later; it goes on where it stopped",
            )
        self._said(f"GitHub's rate limit asks to wait {seconds:.0f} s; waiting")
        self.pace.sleep(seconds)

    def _judged(self, response: requests.Response, ok: tuple[int, ...]) -> requests.Response:
        if response.status_code in ok:
            return response
        message, codes = self._told(response)
        raise Answered(response.status_code, message or "nothing more", codes)

    def _told(self, response: requests.Response) -> tuple[str, frozenset[str]]:
        """What an error says, and its codes; of other answers, nothing is read."""
        if response.status_code < 400:
            return ("it is somewhere else now" if response.status_code >= 300 else ""), frozenset()
        try:
            data: Any = response.json()  # Any: it may be anything, and is looked at as such
        except (ValueError, requests.RequestException):
            return "", frozenset()
        told = data if isinstance(data, dict) else {}
        errors = told.get("errors")
        found = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
        codes = frozenset(str(one.get("code")) for one in found)
        more = ", ".join(f"{one.get('field')} {one.get('code')}" for one in found)
        text = f"{told.get('message', '')}{f' ({more})' if more else ''}"
        return self.hide(text), codes

    def _plain(self, error: BaseException) -> str:
        """A connection's error in words that may be shown."""
        return self.hide(plain(error))


def plain(error: BaseException) -> str:
    """A connection's error in words; its own text may hold an address, never a header."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    cause = error
    while cause.args and isinstance(cause.args[-1], BaseException):
        cause = cause.args[-1]
    reason = getattr(cause, "reason", cause)
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return f"no connection ({_CONNECTION.sub('', text) or type(error).__name__})"


def read_object(answer: requests.Response) -> dict[str, Any]:
    """An answer that should be a JSON object.

    Raises:
        PublishError: it is none.
    """
    data = _json(answer)
    if not isinstance(data, dict):
        raise PublishError("the API's answer is no JSON object; is --api right?")
    return data


def read_list(answer: requests.Response) -> list[dict[str, Any]]:
    """An answer that should be a list of JSON objects.

    Raises:
        PublishError: it is none.
    """
    data = _json(answer)
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise PublishError("the API's answer is no list; is --api right?")
    return data


def _json(answer: requests.Response) -> object:
    """What an answer holds; None where that is no JSON."""
    try:
        found: object = answer.json()
    except ValueError:
        return None
    return found


def check_address(url: str, option: str) -> str:
    """An address a token may be sent to, without a slash at its end.

    Raises:
        PublishError: it is none: not https, and not on this machine.
    """
    parts = split_address(url)
    if parts is None or not parts.hostname:
        raise PublishError(
            f"{option}: that is no address of a host", remedy="write it like https://HOST/PATH"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise PublishError(f"{option}: an address with no name, password or query is needed")
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return url.rstrip("/")
    raise PublishError(
        f"{option} {url}: a token is sent over https only", remedy="an address with https:"
    )
