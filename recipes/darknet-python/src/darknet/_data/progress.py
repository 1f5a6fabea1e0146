"""Progress on stderr, for work that takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

_QUIET = 2.0
_TERMINAL, _LOG = 0.2, 10.0
"""Seconds between two lines: rewritten in place on a terminal, one below another elsewhere."""


class Progress:
    """Counts towards a total and says so now and then. Safe to be used by several threads."""

    def __init__(
        self,
        what: str,
        total: int,
        *,
        show: Callable[[int], str] = "{:,}".format,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`show` writes an amount for people, in whatever unit it is counted."""
        self._what, self._total, self._show, self._clock = what, total, show, clock
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._lock = threading.Lock()
        self._done = 0
        self._start = clock()
        self._next = self._start + _QUIET
        self._shown = 0

    def add(self, amount: int = 1) -> None:
        """So much more is done."""
        with self._lock:
            self._done += amount
            now = self._clock()
            if now >= self._next:
                self._next = now + (_TERMINAL if self._terminal else _LOG)
                self._write(now)

    def close(self) -> None:
        """Leave the line, so that what follows starts on one of its own."""
        with self._lock:
            if self._shown and self._terminal:
                self._stream.write("\r" + " " * self._shown + "\r")
                self._stream.flush()
            self._shown = 0

    def _write(self, now: float) -> None:
        line = f"{self._what}: {self._show(self._done)} of {self._show(self._total)}"
        if 0 < self._done < self._total:
            left = (now - self._start) / self._done * (self._total - self._done)
            line += f", about {duration(left)} left"
        end = "" if self._terminal else "\n"
        start = "\r" if self._terminal else ""
        self._stream.write(start + line.ljust(self._shown if self._terminal else 0) + end)
        self._stream.flush()
        self._shown = len(line)


def duration(seconds: float) -> str:
    """``50 s``, ``3 min``, ``2.5 h``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """Bytes in decimal units: ``1.2 GB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
