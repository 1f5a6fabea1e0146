"""A remote compile cache's credentials: what of its settings no log and no error may hold."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
_SECRET = re.compile(r"SECRET|TOKEN(?!_FILE)|PASSWORD|CONNECTION_STRING|ACCESS_KEY|_KEY$")
"""Names of settings whose values are secrets as a whole; in the others, a password may stand."""
_IN_ADDRESS = re.compile(r"//(?:[^/@\s:]*):([^/@\s]+)@")
_SHORTEST = 3


class Secrets:
    """The secrets among a remote cache's settings.

    Args:
        settings: The settings by name; empty or None for a local cache.
    """

    def __init__(self, settings: Mapping[str, str] | None) -> None:
        found: set[str] = set()
        for name, value in (settings or {}).items():
            if _SECRET.search(name):
                found.add(value)
            found |= set(_IN_ADDRESS.findall(value))
            if "://" in value:
                found.add(urlsplit(value).password or "")
        found |= {unquote(one) for one in found} | {quote(one, safe="") for one in found}
        self._found = sorted((one for one in found if len(one) >= _SHORTEST), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Secrets({HIDDEN})"

    def hide(self, text: str) -> str:
        """The text with every secret in it blotted out."""
        for secret in self._found:
            text = text.replace(secret, HIDDEN)
        return text

    def open(self, path: Path) -> io.TextIOWrapper:
        """A new log file into which no secret comes; its folder is made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        return _Log(path, self)


class _Log(io.TextIOWrapper):
    def __init__(self, path: Path, secrets: Secrets) -> None:
        super().__init__(path.open("wb"), encoding="utf-8")
        self._secrets = secrets

    def write(self, text: str, /) -> int:
        """Write it, without its secrets."""
        return super().write(self._secrets.hide(text))
