"""Text into HTML, quickly where nothing in it needs escaping: file names, addresses, digests."""

from __future__ import annotations

import re
from html import escape

from markupsafe import escape as escape_as_templates_do

_PLAIN = re.compile(r"[A-Za-z0-9 ._+/:%@~!=,;()-]*")


def for_installers(text: str) -> str:
    """Escaped as `html.escape` does it."""
    return text if _PLAIN.fullmatch(text) else escape(text)


def for_people(text: str) -> str:
    """Escaped as Jinja does it, whose pages it goes into."""
    return text if _PLAIN.fullmatch(text) else str(escape_as_templates_do(text))
