"""What a weekly run costs at other sizes, computed from what was measured at one.

``python benchmarks/scale.py`` prints the tables of ``docs/scale.md``; a test holds the page to
them. Nothing is measured here: the figures below were, and say where. Put a new one in, run it, and
paste.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

# Measured on two cores (benchmarks/README.md), OpenCV `quick` for CUDA 11.8 and one architecture:
QUICK_CPU_MINUTES = 27.0
"""Both recipes cold took 27.8, Darknet alone 0.8."""
QUICK_CUDA_SHARE = 0.33
"""Of the steps' times in ninja's log, on a busy machine (83 files: 2,563 of 7,752 s)."""
QUICK_STEPS, FULL_STEPS = 880, 1969
QUICK_CUDA_STEPS, FULL_CUDA_STEPS = 83, 154
"""Ninja's own counts; `full` for CUDA 12.4, without native libraries."""
FULL_CUDA_CPU_MINUTES = 0.912 * 3737 / 60
"""`full` for CUDA 12.4, 7.5, 8.0, 9.0 and PTX, with everything else from the compile cache: the
build's CPU time, and the CUDA files' share of the steps' times."""
BUSY = 27.8 / (2 * 15.95)
"""How much of its cores a cold build keeps busy."""
DARKNET_CPU_MINUTES, DARKNET_CUDA_SHARE = 0.8, 0.35
WARM = {"opencv": 0.127, "darknet": 0.27}
"""A build whose objects are in the compile cache, of a cold one's CPU time: `full` for CUDA 12.4
took 748 s (4,598 hits, 153 misses), which is set against the 98 minutes computed below."""
VERIFY_MINUTES = 0.2
"""One wheel under one further Python (7 to 12 s)."""
QUICK_CACHE, DARKNET_CACHE = 133.4, 6.3
"""MB in an empty compile cache after one cold build (compressed)."""
CACHE_OF_EACH_CUDA = 0.79
"""Of them, what a second CUDA adds (89 MB where the first left 113); the rest is shared."""
# Measured on two files of OpenCV, each compiled for 1, 3 + PTX and 5 + PTX: 25, 44, 56 s and 48,
# 105, 155 s; their code, deflated, grew 3.85 and 5.8 times.
TIME = {1: 1.0, 4: 149 / 73, 6: 211 / 73}
SIZE = {1: 1.0, 4: 3.85, 6: 5.8}
# Read, not measured: GitHub's runners for public repositories.
CORES, AT_ONCE = 4, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A recipe's build for one architecture.

    Attributes:
        cpu: CPU minutes, cold.
        cuda: The share of it that grows with architectures.
        warm: CPU time with a warm compile cache, of the cold one's.
        cache: MB in the compile cache.
    """

    cpu: float
    cuda: float
    warm: float
    cache: float

    def cold(self, codes: int) -> float:
        """CPU minutes for so many kinds of GPU code, PTX counted as one."""
        return self.cpu * (1 - self.cuda + self.cuda * at(TIME, codes))

    def size(self, codes: int) -> float:
        """MB in the compile cache, beside what it shares with every CUDA."""
        return self.cache * CACHE_OF_EACH_CUDA * at(SIZE, codes)

    @property
    def shared(self) -> float:
        """MB in the compile cache that serve every CUDA."""
        return self.cache * (1 - CACHE_OF_EACH_CUDA)


FULL_CUDA = FULL_CUDA_CPU_MINUTES / TIME[4]
"""CPU minutes of the CUDA files for one architecture."""
FULL_REST = (QUICK_CPU_MINUTES * (1 - QUICK_CUDA_SHARE)) * (
    (FULL_STEPS - FULL_CUDA_STEPS) / (QUICK_STEPS - QUICK_CUDA_STEPS)
)
"""CPU minutes of all else: as many times what `quick` takes as there are steps."""
OPENCV = Recipe(
    cpu=FULL_CUDA + FULL_REST,
    cuda=FULL_CUDA / (FULL_CUDA + FULL_REST),
    warm=WARM["opencv"],
    cache=QUICK_CACHE * FULL_STEPS / QUICK_STEPS,
)
DARKNET = Recipe(
    cpu=DARKNET_CPU_MINUTES,
    cuda=DARKNET_CUDA_SHARE,
    warm=WARM["darknet"],
    cache=DARKNET_CACHE,
)
CODES = {"cu118": 5, "cu124": 4, "cu126": 4, "cu128": 4, "cu129": 4, "cu130": 6}
"""Kinds of GPU code in `full`: the default architectures, and PTX."""
PYTHONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A weekly run of everything."""

    name: str
    recipes: tuple[Recipe, ...]
    cudas: tuple[int, ...]

    @property
    def builds(self) -> list[tuple[Recipe, int]]:
        """Every build: one job each."""
        return [(recipe, codes) for recipe in self.recipes for codes in self.cudas]

    def row(self) -> list[str]:
        """Its line in the table."""
        cold = [recipe.cold(codes) for recipe, codes in self.builds]
        warm = [recipe.cold(codes) * recipe.warm for recipe, codes in self.builds]
        verify = len(self.builds) * PYTHONS * VERIFY_MINUTES
        cache = sum(recipe.size(codes) for recipe, codes in self.builds)
        cache = (cache + sum(recipe.shared for recipe in self.recipes)) / 1000
        return [
            self.name,
            str(len(self.builds)),
            str(len(self.builds) * PYTHONS),
            f"{(sum(cold) + verify) / 60:.1f}",
            f"{(sum(warm) + verify) / 60:.1f}",
            f"{minutes(max(cold)):.0f}",
            f"{wall(cold):.0f}",
            f"{wall(warm):.0f}",
            f"{cache:.1f}",
        ]


def at(measured: dict[int, float], codes: int) -> float:
    """A measured growth, or what lies between two."""
    if codes in measured:
        return measured[codes]
    below, above = (
        max(n for n in measured if n < codes),
        min(n for n in measured if n > codes),
    )
    share = (codes - below) / (above - below)
    return measured[below] + share * (measured[above] - measured[below])


def minutes(cpu: float) -> float:
    """Minutes on one runner for so many CPU minutes."""
    return cpu / (CORES * BUSY)


def wall(cpu: list[float]) -> float:
    """Minutes until all jobs have ended, the longest first, so many at once, with verification."""
    runners = [0.0] * AT_ONCE
    for job in sorted(cpu, reverse=True):
        runners[runners.index(min(runners))] += minutes(job) + PYTHONS * VERIFY_MINUTES
    return max(runners)


def tables() -> list[str]:
    """The page's tables."""
    cudas = tuple(CODES.values())
    one = [["`full`, cold, one build", "one architecture", *(label for label in CODES)]]
    for name, recipe in (("OpenCV", OPENCV), ("Darknet", DARKNET)):
        counts = (1, *cudas)
        one.append([f"{name}, CPU minutes", *(f"{recipe.cold(codes):.1f}" for codes in counts)])
        one.append(
            [
                f"{name}, cache, MB",
                *(f"{recipe.size(codes) + recipe.shared:.0f}" for codes in counts),
            ]
        )
    heads = ["everything, once", "jobs", "verifications", "CPU h cold", "CPU h warm"]
    heads += ["longest job, min", "all, min cold", "all, min warm", "cache, GB"]
    five = cudas[:4] + cudas[5:]
    runs = (
        Run(name="today: 2 recipes × 6 CUDAs", recipes=(OPENCV, DARKNET), cudas=cudas),
        Run(name="10 × 5, two as OpenCV", recipes=(OPENCV,) * 2 + (DARKNET,) * 8, cudas=five),
        Run(name="10 × 5, all as OpenCV", recipes=(OPENCV,) * 10, cudas=five),
    )
    return [markdown(one), markdown([heads, *(run.row() for run in runs)])]


def markdown(rows: list[list[str]]) -> str:
    """A table as the docs have it."""
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    """Print them."""
    print("\n\n".join(tables()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
