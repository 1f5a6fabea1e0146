"""Paths of the building machine inside a wheel's files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from builder.wheel.model import Leak

GENERIC = ("/home/", "/root/", "/tmp/", "/mnt/wheelhouse")  # noqa: S108 - searched for, never used
"""Where machines keep what is theirs: shown by `inspect`, though not each is a fault."""
_AROUND = 160
_INSIDE = (b".", b"_", b"-", b"~", b"}")
_PRINTABLE_END = re.compile(rb"[^\x20-\x7e]")


@dataclass(slots=True)
class _Found:
    text: str
    count: int


def find_leaks(path: str, data: bytes, needles: Iterable[str]) -> list[Leak]:
    """Each needle that stands in the bytes as a path, with the text around its first place.

    A needle must be followed by a path separator or a word's end: ``/work/main`` is not found in
    ``/work/main2``.
    """
    found: dict[str, _Found] = {}
    for needle in sorted(set(needles)):
        for start in _places(data, needle.encode()):
            if needle in found:
                found[needle].count += 1
            else:
                found[needle] = _Found(_around(data, start, len(needle)), 1)
    return [
        Leak(needle=needle, path=path, text=item.text, count=item.count)
        for needle, item in found.items()
    ]


def _places(data: bytes, needle: bytes) -> Iterable[int]:
    start = data.find(needle)
    while start >= 0:
        after = data[start + len(needle) : start + len(needle) + 1]
        before = data[max(0, start - 1) : start]
        if needle.endswith(b"/"):
            # A general prefix must begin a path: not the `/home/` of `https://example.org/home/x`.
            whole = _word(after) and not (before.islower() or before.isdigit() or before in _INSIDE)
        else:
            whole = not (_word(after) or after == b"-")
        if whole:
            yield start
        start = data.find(needle, start + 1)


def _word(character: bytes) -> bool:
    return character.isalnum() or character in (b"_", b".")


def _around(data: bytes, start: int, length: int) -> str:
    left = data[max(0, start - _AROUND) : start]
    breaks = [match.end() for match in _PRINTABLE_END.finditer(left)]
    right = data[start : start + length + _AROUND]
    end = _PRINTABLE_END.search(right)
    return (
        left[breaks[-1] if breaks else 0 :] + right[: end.start() if end else len(right)]
    ).decode()
