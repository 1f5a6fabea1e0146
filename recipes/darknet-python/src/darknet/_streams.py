"""Standard streams that are closed, full, or read by nobody any more: a status, not a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

INTERRUPTED = 130
PIPE_CLOSED = 141
"""128 and the number of SIGPIPE: what a shell shows of a program that nobody listens to."""


def guarded(work: Callable[[], int]) -> int:
    """Run a program's work; the exit status, also where its output is not taken.

    Args:
        work: Gives back an exit status; what it prints need not be flushed.
    """
    _open_missing()
    try:
        status = _status(work)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _lead_nowhere()
        return PIPE_CLOSED
    except OSError as error:
        if error.filename is not None:  # of a file that was opened, and not of an output
            raise
        _lead_nowhere()
        sys.stderr.write(f"darknet: the standard output is not taken: {error.strerror}\n")
        return 1
    return status


def _status(work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as end:  # argparse, for --help and for a wrong command line
        return end.code if isinstance(end.code, int) else 1


def _open_missing() -> None:
    """Have closed streams lead nowhere: the next file that is opened would become one of them."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            os.set_inheritable(number, True)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 -- as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 -- as long as the process


def _lead_nowhere() -> None:
    """What is still to be written to the standard output goes nowhere, so that ending is quiet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
