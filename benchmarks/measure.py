"""Running a command and reading what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one command took, in seconds."""

    wall: float
    cpu: float
    """User and system time of the whole machine meanwhile."""


def machine_cpu_seconds() -> float:
    """Seconds of CPU the machine has spent so far, idle and waiting left out."""
    user, nice, system, *_rest = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def cost_of(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end, which must be a good one, and return its cost."""
    print("$", *command, file=sys.stderr, flush=True)
    cpu, wall = machine_cpu_seconds(), time.monotonic()
    subprocess.run([str(part) for part in command], check=True, env={**os.environ, **(env or {})})
    return Cost(wall=time.monotonic() - wall, cpu=machine_cpu_seconds() - cpu)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one program and the processes it started took."""

    wall: float
    """Seconds."""
    cpu: float
    """User and system seconds."""
    peak: int
    """MB (a million bytes) that the largest of its processes held at most."""


def use_of(command: Sequence[str | Path]) -> Use:
    """Run a program to its end, which must be a good one, and return what it alone took."""
    print("$", *command, file=sys.stderr, flush=True)
    start = time.monotonic()
    words = [str(part) for part in command]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return Use(wall=wall, cpu=used.ru_utime + used.ru_stime, peak=used.ru_maxrss * 1024 // 10**6)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as aligned columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def seconds(value: float) -> str:
    """``"0.42 s"`` or ``"754 s"``."""
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"
