"""Where a build's compile time went: by module, by kind of step, the dearest files.

``python benchmarks/build_cost.py LOG.ninja_log [--top 20] [--growth 3.9] [--cores 4]``: the builder
leaves a build's ``.ninja_log`` beside its log (``builder cache`` says where). A step's time is from
its start to its end, so it means something only where nothing else ran, and only for steps that the
compile cache did not answer; ``--growth`` is how many times longer CUDA files take for all
architectures than for those of this build.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from measure import table

MODULE = re.compile(r"modules/([a-z0-9_]+)/|3rdparty/([A-Za-z0-9_-]+)/")
DISPATCH = re.compile(r"\.(sse\w+|avx\w*|fp16)\.cpp\.o$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One output of one command."""

    name: str
    seconds: float

    @property
    def module(self) -> str:
        """OpenCV's module, or the bundled library, or what else it is."""
        match = MODULE.search(self.name)
        if match is None:
            return "linking and the rest"
        return match[1] or f"3rdparty {match[2]}"

    @property
    def kind(self) -> str:
        """What sort of file is made."""
        dispatch = DISPATCH.search(self.name)
        if dispatch is not None:
            return f"C++ once more for {dispatch[1].upper()}"
        if self.name.endswith(".cu.o"):
            return "CUDA"
        return "C and C++" if self.name.endswith(".o") else "generating, linking"


def read(path: Path) -> list[Step]:
    """The last run of every output; a command's time is shared among its outputs."""
    last: dict[str, tuple[str, int, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) == 5:
            last[parts[3]] = (parts[4], int(parts[0]), int(parts[1]))
    shares: dict[tuple[str, int, int], int] = defaultdict(int)
    for command in last.values():
        shares[command] += 1
    return [
        Step(name=name, seconds=(command[2] - command[1]) / 1000 / shares[command])
        for name, command in last.items()
    ]


def summed(steps: Iterable[Step], key: Callable[[Step], str], top: int) -> str:
    """Steps added up by a key, dearest first, as a table."""
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for step in steps:
        sums[key(step)] += step.seconds
        counts[key(step)] += 1
    whole = sum(sums.values()) or 1.0
    rows = [["what", "steps", "minutes", "%"]]
    for name, seconds in sorted(sums.items(), key=lambda pair: -pair[1])[:top]:
        rows.append(
            [name, str(counts[name]), f"{seconds / 60:.1f}", f"{100 * seconds / whole:.1f}"]
        )
    return table(rows)


def projection(steps: Iterable[Step], growth: float, cores: int) -> str:
    """Hours for all architectures."""
    cuda = host = 0.0
    for step in steps:
        if step.kind == "CUDA":
            cuda += step.seconds
        else:
            host += step.seconds
    both = cuda * growth + host
    return (
        f"this build: {(cuda + host) / 3600:.2f} h of one core, of it CUDA {cuda / 3600:.2f} h; "
        f"all architectures ({growth} times the CUDA): {both / 3600:.2f} h, "
        f"on {cores} cores {both / 3600 / cores:.2f} h"
    )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path, help="a .ninja_log")
    parser.add_argument("--top", type=int, default=20, help="rows of each table")
    parser.add_argument("--growth", type=float, default=3.9, help="CUDA time, all architectures")
    parser.add_argument("--cores", type=int, default=4, help="of the machine to project to")
    options = parser.parse_args()
    steps = read(options.log)
    for title, key in (
        ("By kind", lambda step: step.kind),
        ("By module", lambda step: step.module),
        ("Dearest files", lambda step: step.name.rpartition(".dir/")[2] or step.name),
    ):
        print(f"\n## {title}\n\n{summed(steps, key, options.top)}")
    print(f"\n{projection(steps, options.growth, options.cores)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
