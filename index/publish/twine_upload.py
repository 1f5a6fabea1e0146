"""One upload address, as twine speaks to it: a wheel is sent once, and the answer is judged."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from index.errors import PublishError
from index.publish.patience import Pace, retry_after
from index.publish.rest import AGENT, LONGEST_MESSAGE, TIMEOUT, Answered, Unavailable, plain
from index.publish.twine_account import Account, Nobody
from index.publish.twine_plan import Item
from index.transport import TrustingAdapter

if TYPE_CHECKING:
    from twine.package import PackageFile

_EXTRA = "in the builder's clone: pip install -e '.[twine]'"


class Limited(Unavailable):
    """The server asks to be left alone for a while."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class _Adapter(TrustingAdapter):
    """Says how much of what is sent went out, and never waits for ever."""

    sent: Callable[[int], None] = staticmethod(lambda count: None)

    # Any: requests' own signature, passed on untouched.
    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- as requests has it
        """One request."""
        body: Any = request.body  # Any: twine sends a monitor, which requests does not know of
        if hasattr(body, "bytes_read"):
            body.callback = lambda monitor: self.sent(monitor.bytes_read)
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT
        return super().send(request, *args, **kwargs)


def require_twine() -> None:
    """See that what this kind needs is installed.

    Raises:
        PublishError: it is not.
    """
    try:
        import pypi_simple  # noqa: F401 -- only whether it is there
        import twine.repository  # noqa: F401 -- only whether it is there
    except ModuleNotFoundError as error:
        raise PublishError(f"'{error.name}' is not installed", remedy=_EXTRA) from None


class Upload:
    """One index's upload address.

    Args:
        url: The address.
        account: Signs every upload, or None where the index asks for none.
        pace: How long is waited.
    """

    def __init__(self, url: str, account: Account | None, pace: Pace) -> None:
        from twine.repository import Repository

        self._url, self._account, self._pace = url, account, pace
        self._repository = Repository(url, None, None, disable_progress_bar=True)
        self._adapter = _Adapter()
        session = self._repository.session
        # requests types its own attribute more narrowly than it takes.
        session.auth = Nobody() if account is None else account.auth()
        session.headers["User-Agent"] = AGENT
        for scheme in ("http://", "https://"):
            session.mount(scheme, self._adapter)

    def close(self) -> None:
        """Close every connection."""
        self._repository.close()

    def send(self, item: Item, package: PackageFile, sent: Callable[[int], None]) -> None:
        """Send one wheel, once.

        Raises:
            Answered: the index says no.
            Unavailable: the server failed, or went away; whether it has the wheel is not known.
            PublishError: it wants the upload to go somewhere else.
        """
        self._adapter.sent = sent
        try:
            with _quiet():
                answer = self._repository.upload(package, max_redirects=1)
        except requests.RequestException as error:
            raise Unavailable(f"{urlsplit(self._url).netloc}: {self._hide(plain(error))}") from None
        status = answer.status_code
        if status < 300:
            return
        if status < 400:
            raise PublishError(
                f"{item.filename}: {self._url} sends uploads elsewhere (it answered {status})",
                remedy="give the upload address itself, to its last slash",
            )
        if status >= 500 or status == requests.codes.too_many_requests:
            asked = retry_after(answer.headers.get("Retry-After"), self._pace.now())
            raise Limited(f"it answered {status}: {self._told(answer)}", asked or 0.0)
        raise Answered(status, self._told(answer), frozenset())

    def _told(self, answer: requests.Response) -> str:
        """What an answer says, as it may be shown: one line, no tags, no password."""
        text = re.sub(r"<(style|script|title)\b.*?</\1>|<[^>]*>", " ", answer.text, flags=re.DOTALL)
        text = self._hide(f"{answer.reason or ''} {text}")
        return " ".join(re.sub(r"[^ -~]+", " ", text).split())[:LONGEST_MESSAGE]

    def _hide(self, text: str) -> str:
        return text if self._account is None else self._account.hide(text)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """twine prints by itself, and its log may quote what the server said."""
    logger = logging.getLogger("twine")
    before, logger.disabled = logger.disabled, True
    children = [logging.getLogger(f"twine.{name}") for name in ("repository", "utils", "auth")]
    for child in children:
        child.disabled = True
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.disabled = before
        for child in children:
            child.disabled = False
