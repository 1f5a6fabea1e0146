"""The credential: where it may come from, and that nothing we say or write ever holds it."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import re
from collections.abc import Mapping
from urllib.parse import quote

from index.errors import PublishError

VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
KEYRING_SERVICE = "gpu-wheelhouse"
HIDDEN = "***"
_TOKEN = re.compile(r"[!-~]{4,1000}")
"""Printable ASCII. What http clients refuse in a header they print, so it is refused here first."""


class Token:
    """A credential that shows itself to nobody but the server it is meant for.

    Raises:
        PublishError: the text can be no token.
    """

    __slots__ = ("_forms", "_text")

    def __init__(self, text: str, *, source: str) -> None:
        text = text.strip()
        if not _TOKEN.fullmatch(text):
            raise PublishError(
                f"what {source} holds is no token: spaces, control characters or too short",
                remedy="set it anew, the token alone",
            )
        self._text = text
        plain = (text, f"x-access-token:{text}", f"Bearer {text}")
        coded = [base64.b64encode(form.encode()).decode().rstrip("=") for form in plain]
        self._forms = sorted({text, quote(text, safe=""), *coded}, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Token({HIDDEN})"

    def header(self) -> str:
        """The value of the ``Authorization`` header."""
        return f"Bearer {self._text}"

    def hide(self, text: str) -> str:
        """Text from elsewhere, fit to be shown: the token in it is blotted out."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text


def find_token(environ: Mapping[str, str], host: str) -> Token | None:
    """The token of the environment, else of the keyring (where `keyring` is installed), or None.

    Args:
        environ: The environment.
        host: The API's host: what the keyring has it under.

    Raises:
        PublishError: there is something else in its place.
    """
    for name in VARIABLES:
        if environ.get(name, "").strip():
            return Token(environ[name], source=f"${name}")
    if importlib.util.find_spec("keyring") is None:
        return None
    keyring = importlib.import_module("keyring")
    try:
        text = keyring.get_password(KEYRING_SERVICE, host)
    except Exception:  # whatever a back end raises may quote what it holds
        return None
    return Token(text, source="the keyring") if text else None
