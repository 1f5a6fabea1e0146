"""A full disk, said the same way wherever it is met."""

from __future__ import annotations

import errno

from builder.errors import MachineError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""The error numbers of a disk, or a user's share of it, that is full."""

MARKS = ("No space left on device", "Disk quota exceeded")
"""What programs print then."""


def disk_full(what: str) -> MachineError:
    """The error for it."""
    return MachineError(
        f"the disk is full: {what}",
        remedy="free some, run `builder cache prune`, or name another disk with --cache-dir; "
        "then run the same command again",
    )


def says_full(output: str) -> str | None:
    """The first line of a program's output that says so, or None."""
    lines = output.splitlines()
    return next((line.strip() for line in lines if any(mark in line for mark in MARKS)), None)
