"""What a person sees: lines and progress, live on a terminal, plain and sparse without one."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Protocol

PLAIN_INTERVAL_SECONDS = 15.0


class Task(Protocol):
    """One running piece of work with a count."""

    def update(self, done: int, total: int | None = None, detail: str = "") -> None:
        """Set how much is done, of how much, and optionally what is being done right now."""


class Reporter(Protocol):
    """Where the machinery says what it does; it never prints by itself."""

    def say(self, text: str) -> None:
        """A line everybody should see."""

    def warn(self, text: str) -> None:
        """A line that needs attention but stops nothing."""

    def task(
        self, label: str, *, total: int | None = None, unit: str = ""
    ) -> contextlib.AbstractContextManager[Task]:
        """Show progress while the block runs; ``unit`` is ``"bytes"`` or a word: ``"steps"``."""


class _SilentTask:
    def update(self, done: int, total: int | None = None, detail: str = "") -> None:
        pass


class Silent:
    """A reporter that says nothing (tests, ``--quiet``)."""

    def say(self, text: str) -> None:
        """Drop the line."""

    def warn(self, text: str) -> None:
        """Drop the line."""

    @contextlib.contextmanager
    def task(self, label: str, *, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """A task nobody sees."""
        yield _SilentTask()


class _PlainTask:
    def __init__(self, plain: Plain, label: str, total: int | None, unit: str) -> None:
        self.plain, self.label, self.total, self.unit = plain, label, total, unit
        self.started = self.said = time.monotonic()

    def update(self, done: int, total: int | None = None, detail: str = "") -> None:
        if total is not None:
            self.total = total
        now = time.monotonic()
        if now - self.said >= PLAIN_INTERVAL_SECONDS:
            self.said = now
            count = amount(done, self.total, self.unit)
            self.plain.say(f"  {self.label}: {count}  {detail}".rstrip())


class Plain:
    """Lines on stderr, one every 15 seconds for long work: CI logs, pipes, dumb terminals.

    It is the stderr of when this was made: libraries that chatter are kept quiet by putting another
    in its place for a while, and progress is wanted just then.
    """

    def __init__(self) -> None:
        self.stream = sys.stderr

    def say(self, text: str) -> None:
        """Write the line."""
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def warn(self, text: str) -> None:
        """Write the line, marked."""
        self.say(f"warning: {text}")

    @contextlib.contextmanager
    def task(self, label: str, *, total: int | None = None, unit: str = "") -> Iterator[Task]:
        """Say how far long work is from time to time, and when it is done."""
        task = _PlainTask(self, label, total, unit)
        yield task
        seconds = time.monotonic() - task.started
        if seconds >= 2:
            self.say(f"  {label}: done in {seconds:.0f} s")


def reporter(*, quiet: bool = False) -> Reporter:
    """The reporter that fits where stderr goes."""
    if quiet:
        return Silent()
    if not sys.stderr.isatty():
        return Plain()
    from builder.ui_live import Live  # rich takes a while to import; only a terminal needs it

    return Live()


def amount(done: int, total: int | None, unit: str) -> str:
    """``"12 of 80 steps"`` or ``"1.2 of 80.0 MB"``."""
    if unit == "bytes":
        return (
            f"{done / 1e6:.1f} MB" if total is None else f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
        )
    return f"{done} {unit}" if total is None else f"{done} of {total} {unit}"
