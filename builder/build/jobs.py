"""How many compilations at once: by cores and by memory, whichever is less."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MEMORY_PER_JOB = 2 * 1024**3
"""Bytes one compiler may need; nvcc with five architectures comes near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What this process may use.

    Attributes:
        cores: Cores, as a fraction where a control group sets a quota.
        memory: Bytes, or None where unknown.
    """

    cores: float
    memory: int | None


def jobs_for(machine: Machine) -> int:
    """Compilations at once, at least one."""
    by_cores = max(1, int(machine.cores + 0.5))
    if machine.memory is None:
        return by_cores
    return max(1, min(by_cores, machine.memory // MEMORY_PER_JOB))


def this_machine(root: Path = Path("/")) -> Machine:
    """Cores and memory, less what affinity and control groups take away.

    Args:
        root: Where ``proc`` and ``sys`` lie (tests).
    """
    cores = float(len(os.sched_getaffinity(0)))
    quota = cpu_quota(root / "sys/fs/cgroup")
    memory = [m for m in (memory_total(root), memory_limit(root / "sys/fs/cgroup")) if m]
    return Machine(
        cores=cores if quota is None else min(cores, quota),
        memory=min(memory) if memory else None,
    )


def memory_total(root: Path) -> int | None:
    """Bytes of memory, from ``/proc/meminfo``."""
    for line in read(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal" and value.split()[:1]:
            return int(value.split()[0]) * 1024
    return None


def cpu_quota(folder: Path) -> float | None:
    """Cores the control group grants, version 2 or 1, or None for all."""
    words = read(folder / "cpu.max").split()
    if len(words) == 2 and words[0] != "max":
        return int(words[0]) / int(words[1])
    quota = read(folder / "cpu/cpu.cfs_quota_us").strip()
    period = read(folder / "cpu/cpu.cfs_period_us").strip()
    if quota and period and int(quota) > 0:
        return int(quota) / int(period)
    return None


def memory_limit(folder: Path) -> int | None:
    """Bytes the control group grants, version 2 or 1, or None for all."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = read(folder / name).strip()
        if text.isdigit() and int(text) < 1 << 60:  # version 1 writes a huge number for "all"
            return int(text)
    return None


def read(path: Path) -> str:
    """A kernel file's text; empty where it is not there."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
