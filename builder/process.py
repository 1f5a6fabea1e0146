"""The one subprocess door: lists only, resolved programs, a log, and children that die with us."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from builder.errors import BuilderError, MachineError

Line = Callable[[str], None]
GRACE_SECONDS = 5.0


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
) -> Completed:
    """Run a program to its end and return its status and the last ``keep`` characters it printed.

    Args:
        command: Program and arguments; never a shell string.
        env: The whole environment, or None for this process's own.
        cwd: The working folder; this process never changes its own.
        log: Every line is also written here, after a line naming the command.
        on_line: Called with each line as it comes (progress bars).
        check: Raise on a non-zero status.
        merge_stderr: Whether stderr joins the output; otherwise it is dropped.
        keep: Characters of output kept in memory.

    Raises:
        CommandFailedError: the status was not zero and ``check`` is set.
        MachineError: the program is not there.
    """
    arguments = [str(part) for part in command]
    arguments[0] = resolve(arguments[0], path=None if env is None else env.get("PATH"))
    if log is not None:
        log.write(f"$ {show(arguments)}\n")
        log.flush()
    kept: list[str] = []
    size = 0
    # A session of its own: Ctrl-C reaches us first, and the whole group can be ended together.
    with subprocess.Popen(
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
    ) as child:
        try:
            assert child.stdout is not None
            for line in child.stdout:
                kept.append(line)
                size += len(line)
                while size > keep and len(kept) > 1:
                    size -= len(kept.pop(0))
                if log is not None:
                    log.write(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            status = child.wait()
        except BaseException:
            end_group(child)
            raise
    if log is not None:
        log.flush()
    output = "".join(kept)
    if check and status != 0:
        raise CommandFailedError(arguments, status, output)
    return Completed(status=status, output=output)


def end_group(child: subprocess.Popen[str]) -> None:
    """End a child and everything it started: politely first, then for certain."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            return
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        if sign is signal.SIGTERM:
            continue  # the leader is gone; its children may not be
