"""The text files of a data set: lines from any editor, and paths that may hold spaces."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

_QUOTES = "\"'"


class DataError(Exception):
    """A file that is needed cannot be used; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, counted from 1, with no line end and no space around it."""

    number: int
    text: str


def read_lines(path: Path) -> list[Line]:
    """The lines of a text file, whatever its line ends; bytes that are no UTF-8 are kept.

    Raises:
        DataError: the file cannot be read, or is UTF-16.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{path} is UTF-16 text, which Darknet does not read: save it as UTF-8")
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    lines = text.removesuffix("\n").split("\n") if text else []
    return [Line(number, line.strip()) for number, line in enumerate(lines, 1)]


def plain_path(text: str) -> str:
    r"""A path as it stands in a file: plain, ``"in quotes"`` or with its spaces written ``\ ``."""
    text = text.strip()
    if len(text) > 1 and text[0] in _QUOTES and text[0] == text[-1]:
        return text[1:-1]
    return text.replace("\\ ", " ")


def written_path(path: str) -> str:
    r"""A path so that `plain_path` gives it back.

    Raises:
        DataError: it has a line end, or quotes of both kinds where quotes are needed.
    """
    if plain_path(path) == path:
        written = path
    else:
        written = next((f"{q}{path}{q}" for q in _QUOTES if q not in path), "")
    if not written or "\n" in path or "\r" in path:
        raise DataError(f"{path!r} cannot be written into a list: rename it")
    return written
