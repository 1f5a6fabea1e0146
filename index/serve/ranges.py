"""Parts of a file asked for by ``Range``: installers read a wheel's end to learn what it needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1


class UnsatisfiableError(Exception):
    """The range asked for lies outside the file (416)."""


def parse_range(header: str | None, size: int) -> Part | None:
    """The one part a ``Range`` header asks for, or None where the whole file is the answer.

    Several parts at once, other units and malformed headers get the whole file, as RFC 9110 allows.

    Args:
        header: The header's value.
        size: The file's bytes.

    Raises:
        UnsatisfiableError: no byte of the file is in the range.
    """
    match = _ONE_RANGE.fullmatch(header) if header is not None else None
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        wanted = min(int(match[2]), size)
        if wanted == 0:
            raise UnsatisfiableError
        return Part(size - wanted, size - 1)
    first = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < first:
        return None
    if first >= size:
        raise UnsatisfiableError
    return Part(first, min(last, size - 1))
