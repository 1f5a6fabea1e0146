"""A long list of records, one as JSON per line, cut into stretches that any process can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

STRETCH = 1024 * 1024
"""Bytes of a list that are read at a time, to the end of the line they end in."""
_LOOK = 64 * 1024


class Stretch(NamedTuple):
    """Some whole lines of a file, from one byte up to another."""

    path: str
    start: int
    end: int

    def lines(self) -> list[bytes]:
        """The lines, without their newlines."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = _read(descriptor, self.start, self.end)
        finally:
            os.close(descriptor)
        lines = data.split(b"\n")
        return lines if lines[-1] else lines[:-1]

    def first(self) -> int:
        """The number of the first line, counted from 1; reads all that comes before."""
        with open(self.path, "rb", buffering=0) as file:  # noqa: PTH123 -- the path is a string
            number, left = 1, self.start
            while left and (data := file.read(min(left, STRETCH))):
                number += data.count(b"\n")
                left -= len(data)
        return number


def stretches(path: Path) -> Iterator[Stretch]:
    """A file's lines, in order."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        start = 0
        while start < size:
            end = _end_of_line(descriptor, min(start + STRETCH, size) - 1, size)
            yield Stretch(str(path), start, end)
            start = end
    finally:
        os.close(descriptor)


def _end_of_line(descriptor: int, at: int, size: int) -> int:
    """Where the line ends that the byte ``at`` belongs to, its newline included."""
    while at < size:
        data = os.pread(descriptor, _LOOK, at)
        found = data.find(b"\n")
        if found >= 0:
            return at + found + 1
        if not data:
            break
        at += len(data)
    return size


def _read(descriptor: int, start: int, end: int) -> bytes:
    pieces = []
    while start < end and (data := os.pread(descriptor, end - start, start)):
        pieces.append(data)
        start += len(data)
    return b"".join(pieces)
