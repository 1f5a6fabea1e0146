"""What this machine has and lacks for building: facts first, a verdict and a remedy for each."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from builder.disk import free_bytes
from builder.paths import Cache

if TYPE_CHECKING:
    from builder.verify import Found

OLDEST_GLIBC = (2, 28)
OLDEST_PYTHON = (3, 11)
WANTED_FREE_BYTES = 25_000_000_000
WANTED_MEMORY_BYTES = 4_000_000_000


class Verdict(StrEnum):
    """How one finding bears on building."""

    OK = "ok"
    NOTE = "note"
    """Works, but something is slower, weaker or not tried because of it."""
    LACKING = "lacking"
    """A build cannot succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str | None = None


def examine(cache: Cache) -> Iterator[Finding]:
    """Look at everything a build needs; nothing is changed, nothing is downloaded."""
    yield machine(platform.system(), platform.machine())
    yield glibc(platform.libc_ver())
    yield python(sys.version_info[:3])
    yield shell(shutil.which("sh", path="/bin:/usr/bin"))
    yield cores_and_memory()
    yield disk(cache.root)
    yield sandbox()
    yield gpu()
    yield from pythons()


def machine(system: str, processor: str) -> Finding:
    """Only x86-64 Linux is built for."""
    right = (system, processor) == ("Linux", "x86_64")
    return Finding(
        subject="machine",
        verdict=Verdict.OK if right else Verdict.LACKING,
        found=f"{system} {processor}",
        remedy=None if right else "wheels are built on x86-64 Linux; use such a machine or CI",
    )


def glibc(libc: tuple[str, str]) -> Finding:
    """The pinned tools from PyPI need glibc 2.28; musl does not run them at all."""
    name, version = libc
    try:
        right = name == "glibc" and tuple(int(n) for n in version.split(".")) >= OLDEST_GLIBC
    except ValueError:
        right = False
    oldest = ".".join(map(str, OLDEST_GLIBC))
    return Finding(
        subject="C library",
        verdict=Verdict.OK if right else Verdict.LACKING,
        found=f"{name} {version}".strip() or "not glibc",
        remedy=None
        if right
        else f"use a distribution with glibc {oldest} or newer (Debian 10, RHEL 8, …)",
    )


def python(version: tuple[int, int, int]) -> Finding:
    """The builder's own Python."""
    right = version[:2] >= OLDEST_PYTHON
    return Finding(
        subject="Python",
        verdict=Verdict.OK if right else Verdict.LACKING,
        found=".".join(map(str, version)),
        remedy=None if right else "run the builder with Python 3.11 or newer",
    )


def shell(found: str | None) -> Finding:
    """The compiler wrappers and ninja start /bin/sh."""
    return Finding(
        subject="shell",
        verdict=Verdict.OK if found else Verdict.LACKING,
        found=found or "no /bin/sh",
        remedy=None if found else "install a POSIX shell at /bin/sh (dash, bash, busybox)",
    )


def cores_and_memory() -> Finding:
    """What a build may use: less than the machine has, where a control group says so."""
    from builder.build.jobs import this_machine

    machine = this_machine()
    return memory(machine.memory, machine.cores)


def memory(size: int | None, cores: float) -> Finding:
    """A CUDA translation unit of OpenCV takes about 2 GB."""
    right = size is None or size >= WANTED_MEMORY_BYTES
    much = "memory unknown" if size is None else f"{size / 1e9:.0f} GB"
    return Finding(
        subject="cores, memory",
        verdict=Verdict.OK if right else Verdict.NOTE,
        found=f"{cores:g} cores, {much}",
        remedy=None if right else "below 4 GB a compilation may be killed; build with --jobs 1",
    )


def disk(root: Path) -> Finding:
    """Room where the cache lies: toolchains take 5 to 8 GB each, OpenCV's build tree about 3 GB."""
    free = free_bytes(root)
    right = free >= WANTED_FREE_BYTES
    return Finding(
        subject="disk",
        verdict=Verdict.OK if right else Verdict.NOTE,
        found=f"{free / 1e9:.0f} GB free for {root}",
        remedy=None
        if right
        else "`builder cache prune` frees some; --cache-dir names a roomier folder",
    )


def sandbox() -> Finding:
    """Whether compilation can have one fixed path and no network."""
    from builder.sandbox import probe

    capability = probe()
    whole = capability.fixed_path and capability.no_network
    able = [
        "one fixed path" if capability.fixed_path else "real paths",
        "no network" if capability.no_network else "network in reach",
    ]
    return Finding(
        subject="sandbox",
        verdict=Verdict.OK if whole else Verdict.NOTE,
        found=", ".join(able) + (f" ({capability.reason})" if capability.reason else ""),
        remedy=None if whole else "allow unprivileged user namespaces for reproducible bytes",
    )


def gpu() -> Finding:
    """A GPU is needed for GPU tests only."""
    from builder.verify import gpu_reason

    why_not = gpu_reason()
    return Finding(
        subject="GPU",
        verdict=Verdict.OK if why_not is None else Verdict.NOTE,
        found="one that CUDA can use" if why_not is None else why_not,
        remedy=None
        if why_not is None
        else "wheels are built all the same; GPU tests are reported as not run",
    )


def pythons() -> Iterator[Finding]:
    """Which target Pythons can be verified here."""
    from builder.targets import load_targets
    from builder.verify import find_python

    for version in load_targets().pythons:
        found = find_python(version)
        yield Finding(
            subject=f"Python {version}",
            verdict=Verdict.OK if found.interpreter else Verdict.NOTE,
            found=_where(found),
            remedy=None
            if found.interpreter
            else f"`uv python install {version}`, or pyenv, or --python PATH",
        )


def _where(found: Found) -> str:
    if found.interpreter is None:
        return found.reason or "not found"
    return f"{found.interpreter.version} at {found.interpreter.path}"
