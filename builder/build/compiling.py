"""What the compilation of any engine is given, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import CompileError
from builder.paths import Cache
from builder.ui import Reporter

CACHE_SIZE_VARIABLE = "SCCACHE_CACHE_SIZE"
DEFAULT_CACHE_SIZE = "20G"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What to compile with.

    Attributes:
        cache: Where the compile cache lies.
        work: This build's own folder; gets ``env``, ``home``, ``out`` and whatever else is needed.
        log_path: Gets everything the build prints.
        packages: The build environment's wheels (`build_env_artifacts`, fetched).
        jobs: Compilations at once.
        reporter: Shows ninja's counts.
    """

    cache: Cache
    work: Path
    log_path: Path
    packages: Sequence[Path]
    jobs: int
    reporter: Reporter


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is worth knowing about a compilation.

    Attributes:
        built: For the wheel's record; the same for the same machine and settings.
        hits, misses: The compile cache's, by language.
        steps: Ninja's own count of steps.
        seconds: Wall-clock time.
        cpu_seconds: Processor time of everything that was started.
        jobs: Compilations at once.
    """

    built: Mapping[str, Any]
    hits: Mapping[str, int]
    misses: Mapping[str, int]
    steps: int
    seconds: float
    cpu_seconds: float
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledWheel:
    """The wheel that was compiled, and what its compilation was like."""

    path: Path
    facts: Facts


def network_kept(cache: str) -> str:
    """The line that says what a remote compile cache costs."""
    return f"the compile cache is remote ({cache}): its server runs the compilers, with the network"


def only_wheel(folder: Path, log_path: Path) -> Path:
    """The one wheel in ``folder``.

    Raises:
        CompileError: there is none, or more than one.
    """
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise CompileError(
            f"the build ended well but left {len(wheels)} wheels instead of one",
            remedy=f"the log is {log_path}",
        )
    return wheels[0]
