"""The one subprocess door: lists only, resolved programs, a log, and children that die with us."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builder.errors import BuilderError, MachineError

Line = Callable[[str], None]
GRACE_SECONDS = 5.0
TICK_SECONDS = 1.0


class CommandFailedError(BuilderError):
    """A program ended with a non-zero exit status."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        self.command = tuple(command)
        self.status = status
        self.output = output
        tail = "\n".join(output.splitlines()[-20:])
        super().__init__(f"`{show(command)}` ended with status {status}\n{tail}".rstrip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What a finished program left: its exit status and its output (stdout and stderr together)."""

    status: int
    output: str


def show(command: Sequence[str]) -> str:
    """The command as a person would read it (not meant for a shell)."""
    return " ".join(repr(part) if " " in part or not part else part for part in command)


def resolve(program: str, *, path: str | None = None) -> str:
    """The absolute path of ``program``, looked up in ``path`` (default: this process's PATH).

    Raises:
        MachineError: the program is not there.
    """
    found = shutil.which(program, path=path)
    if found is None:
        raise MachineError(f"the program '{program}' is not on this machine")
    return found


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: IO[str] | None = None,
    on_line: Line | None = None,
    check: bool = True,
    merge_stderr: bool = True,
    keep: int = 200_000,
    tick: Callable[[], None] | None = None,
) -> Completed:
    """Run a program to its end and return its status and the last ``keep`` characters it printed.

    What it leaves running behind itself is given a few seconds and then ended.

    Args:
        command: Program and arguments; never a shell string.
        env: The whole environment, or None for this process's own.
        cwd: The working folder; this process never changes its own.
        log: Every line is also written here, after a line naming the command.
        on_line: Called with each line as it comes (progress bars).
        check: Raise on a non-zero status.
        merge_stderr: Whether stderr joins the output; otherwise it is dropped.
        keep: Characters of output kept in memory.
        tick: Called once a second while it runs, from another thread: a program may be silent for
            minutes, and whoever waits wants to see that it is still at work.

    Raises:
        CommandFailedError: the status was not zero and ``check`` is set.
        MachineError: the program is not there, or does not start.
    """
    arguments = [str(part) for part in command]
    arguments[0] = resolve(arguments[0], path=None if env is None else env.get("PATH"))
    if log is not None:
        log.write(f"$ {show(arguments)}\n")
        log.flush()
    with _start(arguments, env=env, cwd=cwd, merge_stderr=merge_stderr) as child:
        try:
            with _ticking(tick):
                output = _read(child, log=log, on_line=on_line, keep=keep)
            status = child.wait()
        except BaseException:
            end_group(child)
            raise
    if log is not None:
        log.flush()
    if check and status != 0:
        raise CommandFailedError(arguments, status, output)
    return Completed(status=status, output=output)


def _start(
    arguments: Sequence[str], *, env: Mapping[str, str] | None, cwd: Path | None, merge_stderr: bool
) -> subprocess.Popen[str]:
    try:
        # A session of its own: Ctrl-C reaches us first, and the whole group can be ended together.
        return subprocess.Popen(
            arguments,
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_stderr else subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"the program '{arguments[0]}' does not start: {error}") from error


def _read(
    child: subprocess.Popen[str], *, log: IO[str] | None, on_line: Line | None, keep: int
) -> str:
    """Pass on every line a child prints; the last ``keep`` characters."""
    assert child.stdout is not None
    kept: deque[str] = deque()
    size = 0
    drained = threading.Event()
    sweeper = threading.Thread(target=_sweep, args=(child, drained), daemon=True)
    sweeper.start()
    try:
        for line in child.stdout:
            kept.append(line)
            size += len(line)
            while size > keep and len(kept) > 1:
                size -= len(kept.popleft())
            if log is not None:
                log.write(line)
            if on_line is not None:
                on_line(line.rstrip("\n"))
    finally:
        drained.set()
    sweeper.join()
    return "".join(kept)


@contextlib.contextmanager
def _ticking(tick: Callable[[], None] | None) -> Iterator[None]:
    """Call ``tick`` once a second until the block ends."""
    if tick is None:
        yield
        return
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(TICK_SECONDS):
            tick()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _sweep(child: subprocess.Popen[str], drained: threading.Event) -> None:
    """End what a child leaves running when it ends: it would go on unseen, and hold the pipe open.

    The child is not reaped here, so that its process id, which is the group's, stays its own.
    """
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        return  # reaped already, by `end_group`
    drained.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def end_group(child: subprocess.Popen[str]) -> None:
    """End a child and everything it started: politely first, then for certain."""
    try:
        os.killpg(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
    except ProcessLookupError:
        return
    finally:
        # Also when a second Ctrl-C cuts the wait short, and when only the leader has gone.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
