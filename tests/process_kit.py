"""Child processes that are killed at a chosen moment, to see what a crash leaves."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any


def start(work: Callable[[], object]) -> int:
    """Do something in a child process; its id. It ends with 0, or with 1 and a traceback."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def end_of(child: int) -> int:
    """Wait for a child; its exit status, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(work: Callable[[], object], modules: Sequence[str], line: int) -> bool:
    """Do something in a child that is killed before the n-th line it runs of some modules.

    Returns:
        Whether it came that far; False: it did all of it.
    """
    files = {str(Path(str(sys.modules[name].__file__))) for name in modules}
    left = line

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        return trace

    def traced() -> None:
        sys.settrace(trace)
        work()

    status = end_of(start(traced))
    assert status in (0, -signal.SIGKILL), status
    return status != 0
