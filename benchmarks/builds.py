"""What builds cost: nothing to do, a second Python, a warm cache, our own part, five Pythons.

Run it from a clone, on an idle machine: ``python benchmarks/builds.py --help``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from measure import Cost, cost_of, seconds, table

ROOT = Path(__file__).resolve().parents[1]
Rows = list[list[str]]


class Bench:
    """The settings of one run, and `builder build` with them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.cuda: str = options.cuda
        self.profile: str = options.profile
        self.recipes: list[str] = options.recipe
        self.cache: Path = options.cache_dir.resolve()
        self.plain_runs: int = options.plain_runs
        self.dist = self.cache / "bench-dist"
        self.program = [sys.executable, "-m", "builder", "--cache-dir", self.cache]

    def build(self, *selectors: str, extra: Sequence[str] = ()) -> Cost:
        """One `builder build`; its cost."""
        names = [part for recipe in self.recipes for part in ("--recipe", recipe)]
        command = [*self.program, "--quiet", "build", *selectors, "--profile", self.profile]
        return cost_of([*command, *names, "--dist", self.dist, *extra])

    def forget(self, *parts: str) -> None:
        """Empty parts of the benchmark's own cache, and dist."""
        for part in (*parts, "bench-dist"):
            shutil.rmtree(self.cache / part, ignore_errors=True)

    def prepare(self) -> None:
        """Toolchain and sources, so that no cold build measures the network."""
        self.build(f"{self.cuda}-py310")


def nothing(bench: Bench) -> Rows:
    """The same command again."""
    bench.prepare()
    costs = [bench.build(f"{bench.cuda}-py310") for _ in range(5)]
    walls = sorted(cost.wall for cost in costs)
    return [["nothing to do", "median of 5", "bar"], ["wall", seconds(walls[2]), "1 s"]]


def second_python(bench: Bench) -> Rows:
    """A further Python of the same CUDA."""
    bench.prepare()
    rows = [["second Python", "wall", "bar"]]
    for python in ("py311", "py312", "py313"):
        cost = bench.build(f"{bench.cuda}-{python}")
        rows.append([f"{bench.cuda}-{python}", seconds(cost.wall), "30 s"])
    return rows


def _cold(bench: Bench, timings: Path | None = None) -> Cost:
    bench.forget("store", "compile")
    extra = ["--no-verify", *(["--timings", str(timings)] if timings else [])]
    return bench.build(f"{bench.cuda}-py310", extra=extra)


def warm(bench: Bench) -> Rows:
    """Store emptied, compile cache warm."""
    bench.prepare()
    cold = _cold(bench)
    bench.forget("store")
    again = bench.build(f"{bench.cuda}-py310", extra=["--no-verify"])
    return [
        ["", "wall", "CPU", "of cold CPU", "bar"],
        ["cold", seconds(cold.wall), seconds(cold.cpu), "", ""],
        ["warm", seconds(again.wall), seconds(again.cpu), f"{again.cpu / cold.cpu:.1%}", "15 %"],
    ]


def own_part(bench: Bench) -> Rows:
    """What the builder adds to a cold build."""
    bench.prepare()
    with tempfile.TemporaryDirectory() as folder:
        timings = Path(folder, "timings.json")
        cost = _cold(bench, timings)
        stages: dict[str, tuple[float, float]] = {}
        for one in json.loads(timings.read_text())["stages"]:
            wall, cpu = stages.get(one["stage"], (0.0, 0.0))
            stages[one["stage"]] = (wall + one["seconds"], cpu + one["cpu_seconds"])
    others = sum(stages[one][0] for one in ("fetch", "toolchain", "compile") if one in stages)
    rows = [["stage", "wall", "of all", "CPU", "bar"]]
    rows += [
        [stage, seconds(wall), f"{wall / cost.wall:.1%}", seconds(cpu), ""]
        for stage, (wall, cpu) in stages.items()
    ]
    own = cost.wall - others
    rows.append(["builder's own part", seconds(own), f"{own / cost.wall:.1%}", "", "5 %"])
    return rows


def five_pythons(bench: Bench) -> Rows:
    """One abi3 build verified under five Pythons, against five builds by plain CMake."""
    bench.prepare()
    bench.forget("store", "compile")
    ours = bench.build(f"{bench.cuda}-py31*")
    plain = [_plain_cmake(bench, number) for number in range(bench.plain_runs)]
    wall, cpu = (5 / len(plain) * sum(costs) for costs in zip(*map(_pair, plain), strict=True))
    what = "five builds" if len(plain) == 5 else f"five times the mean of {len(plain)} run(s)"
    return [
        ["OpenCV for five Pythons", "wall", "CPU"],
        ["builder (one build, every Python here verified)", seconds(ours.wall), seconds(ours.cpu)],
        [f"plain CMake, {what}", seconds(wall), seconds(cpu)],
        ["ratio", f"{wall / ours.wall:.1f}", f"{cpu / ours.cpu:.1f}"],
    ]


def _pair(cost: Cost) -> tuple[float, float]:
    return cost.wall, cost.cpu


def _plain_cmake(bench: Bench, number: int) -> Cost:
    """The rendered project's own CMake run, same compilers and definitions, no compile cache."""
    with tempfile.TemporaryDirectory(dir=bench.cache) as folder:
        command = [*bench.program, "render", f"{bench.cuda}-py310", "--profile", bench.profile]
        cost_of([*command, "--recipe", "opencv-cuda", "--output", folder])
        project = Path(folder, f"opencv-cuda-{bench.cuda}-{bench.profile}")
        print(f"plain build {number + 1}", file=sys.stderr)
        plain = ROOT / "benchmarks" / "plain_build.py"
        return cost_of([sys.executable, "-P", plain, bench.cache, bench.cuda, project])


SCENARIOS: dict[str, Callable[[Bench], Rows]] = {
    "nothing": nothing,
    "second-python": second_python,
    "warm": warm,
    "own-part": own_part,
    "five-pythons": five_pythons,
}


def main() -> None:
    """Run the scenarios named on the command line and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="+", choices=SCENARIOS)
    parser.add_argument("--cuda", default="cu118")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--recipe", action="append", default=[])
    parser.add_argument("--cache-dir", type=Path, required=True, help="a cache folder of its own")
    parser.add_argument("--plain-runs", type=int, default=5, help="fewer than 5: scaled, and said")
    bench = Bench(parser.parse_args())
    for name in parser.parse_args().scenario:
        print(table(SCENARIOS[name](bench)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
