"""Who uploads to an index: where name and password may come from, and who never sees them."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from index.addresses import split_address
from index.errors import PublishError
from index.publish.token import HIDDEN

USERNAME, PASSWORD = "TWINE_USERNAME", "TWINE_PASSWORD"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HOW = f"set {USERNAME} and {PASSWORD}, or `keyring set ADDRESS NAME`"


class Nobody(AuthBase):
    """No credentials at all: a ~/.netrc would otherwise be sent."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request as it is."""
        return request


class Account:
    """A name and a password that show themselves to nobody but the server they are meant for.

    Raises:
        PublishError: the text can be no name or password.
    """

    __slots__ = ("_auth", "_forms")

    def __init__(self, name: str, password: str, *, source: str) -> None:
        for what in (name, password):
            if not what or any(unicodedata.category(char) == "Cc" for char in what):
                raise PublishError(
                    f"what {source} holds is no name and password: empty, or control characters",
                    remedy="set it anew",
                )
        if ":" in name:
            raise PublishError(f"the name that {source} holds has a colon, which no server takes")
        self._auth = HTTPBasicAuth(name.encode(), password.encode())
        pair = base64.b64encode(f"{name}:{password}".encode()).decode()
        alone = base64.b64encode(password.encode()).decode()
        forms = {password, quote(password, safe=""), quote(password), pair, alone}
        forms |= {pair.rstrip("="), alone.rstrip("="), repr(password)[1:-1]}
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Account({HIDDEN})"

    def auth(self) -> AuthBase:
        """What signs a request."""
        return self._auth

    def hide(self, text: str) -> str:
        """Text from elsewhere, fit to be shown: the password in it is blotted out."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text


def check_repository(url: str, *, option: str, account: bool) -> str:
    """An address of an index, with a slash at its end.

    Args:
        url: The address.
        option: What it was given as.
        account: Whether credentials will be sent there.

    Raises:
        PublishError: it is none, holds a password, or credentials would go over plain http.
    """
    parts = split_address(url)
    if parts is None or not parts.hostname:
        raise PublishError(f"{option}: an address with http: or https: is needed")
    if parts.username or parts.password:
        raise PublishError(
            f"{option}: an address with no name and password in it is needed", remedy=_HOW
        )
    if parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise PublishError(f"{option}: an address with http: or https: is needed")
    if account and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise PublishError(
            f"{option} {url}: a password is sent over https only", remedy="an address with https:"
        )
    return url.rstrip("/") + "/"


def find_account(environ: Mapping[str, str], url: str) -> Account | None:
    """The account of the environment, else of the keyring (where it is installed), or None.

    Nothing is read from ``~/.pypirc`` or ``~/.netrc``, and nobody is asked.

    Args:
        environ: The environment.
        url: The upload address: what the keyring has it under.

    Raises:
        PublishError: there is half of one.
    """
    name, password = environ.get(USERNAME, ""), environ.get(PASSWORD, "")
    if name and password:
        return Account(name, password, source=f"${USERNAME} and ${PASSWORD}")
    if password:
        raise PublishError(
            f"{PASSWORD} is set, and {USERNAME} is not",
            remedy=f"set both (tokens: {USERNAME}=__token__)",
        )
    kept = _keyring(url, name)
    if kept is not None:
        return Account(*kept, source="the keyring")
    if name:
        raise PublishError(f"{USERNAME} is set, and there is no password to it", remedy=_HOW)
    return None


def _keyring(url: str, name: str) -> tuple[str, str] | None:
    """Name and password in the keyring; asked as twine asks it."""
    if importlib.util.find_spec("keyring") is None:
        return None
    keyring = importlib.import_module("keyring")
    try:
        if name:
            password = keyring.get_password(url, name)
            return (name, password) if password else None
        kept: Any = keyring.get_credential(url, None)  # Any: each back end has a class of its own
        return (kept.username, kept.password) if kept is not None else None
    except Exception:  # whatever a back end raises may quote what it holds
        return None
