"""Processor time of everything this process started."""

from __future__ import annotations

import resource


def children_cpu() -> float:
    """Processor seconds, user and system, of every ended child and what it waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
