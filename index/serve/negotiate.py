"""Which form of a simple page a client gets: HTML or JSON, by its ``Accept`` (PEP 691)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from index.pages.simple_json import JSON_TYPE as JSON_TYPE

HTML_TYPE = "application/vnd.pypi.simple.v1+html"
PLAIN_HTML_TYPE = "text/html"
"""An alias of `HTML_TYPE`, for browsers and for clients older than PEP 691."""
_LATEST = {
    "application/vnd.pypi.simple.latest+json": JSON_TYPE,
    "application/vnd.pypi.simple.latest+html": HTML_TYPE,
}
"""``latest`` is only ever asked for: the answer names the version it has."""
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


def choose_type(accept: str | None) -> str | None:
    """The media type to answer with, or None where nothing on offer is acceptable (406).

    The highest quality wins. Between equals, a type that was named beats one that a wildcard lets
    in, and JSON beats HTML, which is frozen (PEP 833); who takes anything at all gets HTML.

    Args:
        accept: The ``Accept`` header's value; None or empty means anything.
    """
    ranges = dict(_media_ranges(accept or "*/*"))
    best: tuple[float, int, int] = (0.0, -1, -1)
    chosen = None
    for offer in (JSON_TYPE, HTML_TYPE, PLAIN_HTML_TYPE):
        quality, exactness = _match(offer, ranges)
        order = _preference(offer, exactness)
        if quality > 0 and (quality, exactness, order) > best:
            best, chosen = (quality, exactness, order), offer
    return chosen


def _preference(offer: str, exactness: int) -> int:
    if exactness == 0:
        return int(offer == PLAIN_HTML_TYPE)
    return (PLAIN_HTML_TYPE, HTML_TYPE, JSON_TYPE).index(offer)


def _match(offer: str, ranges: dict[str, float]) -> tuple[float, int]:
    """The quality of the most exact range that fits an offer, and how exact it is (0 to 2)."""
    kind = offer.partition("/")[0]
    for exactness, pattern in ((2, offer), (1, f"{kind}/*"), (0, "*/*")):
        if pattern in ranges:
            return ranges[pattern], exactness
    return 0.0, -1


def _media_ranges(accept: str) -> Iterator[tuple[str, float]]:
    """Media ranges in lower case with their quality; what has no readable quality is left out."""
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = "1"
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                quality = value.strip()
        if name and _QUALITY.fullmatch(quality):
            yield _LATEST.get(name, name), float(quality)
