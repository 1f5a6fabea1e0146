"""A concrete address, and what the ways of asking it can answer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """One address with what it takes to ask it.

    Attributes:
        url: ``https://``, ``http://`` or ``file://``.
        cert: A bundle of certificates to trust instead of the usual ones, or None.
        client_cert: A client certificate, or None.
        trusted: Whether the server's certificate goes unchecked (pip's ``trusted-host``).
        proxy: A proxy for this address, or None for the environment's.
    """

    url: str
    cert: str | None = None
    client_cert: str | None = None
    trusted: bool = False
    proxy: str | None = None

    @property
    def shown(self) -> str:
        """The address without user name and password."""
        return redact(self.url)


class PlaceError(Exception):
    """A place did not give the file; the message says what it answered."""


class PermanentError(PlaceError):
    """Asking this address again is of no use: the next one, please."""


class TransientError(PlaceError):
    """Trouble that may pass.

    Args:
        message: What happened.
        wait: Seconds the server asked us to wait, if it did.
        reached: Whether the server answered at all.
    """

    def __init__(self, message: str, *, wait: float | None = None, reached: bool = True) -> None:
        super().__init__(message)
        self.wait = wait
        self.reached = reached


class StoppedError(Exception):
    """Another download failed or the user interrupted; what is there stays for the next time."""


def redact(url: str) -> str:
    """``url`` without user name and password, fit for a message or a log."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]))
