"""What an index costs: in full, with one file more, with nothing new; ours and two others.

Run it from a clone, on an idle machine: ``python benchmarks/index.py --help``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from index_input import PER_PROJECT, all_made, extra, made, write_wheel
from measure import Use, seconds, table, use_of

Command = list[str | Path]
SIZES = (1_000, 10_000, 100_000, 1_000_000)
BAR_SIZE = 100_000
PEERS = {"dumb-pypi": "dumb-pypi==1.15.0", "simple503": "simple503==0.4.0"}
FILES_URL = "https://files.example/wheels"
REPEATS = 5
"""Times that what takes less than a second is measured; the median counts."""
FULL, ONE, NOTHING = "full build", "one file added", "no change"
KNOWN, FOLDER, LIST = "add a file it has", "folder, nothing new", "records, nothing new"
PAGES = "pages alone, from the ledger"
TOLD_MORE = "full build, told of dependencies, too"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measurement: the use, or why there is none."""

    files: int
    tool: str
    what: str
    use: Use | None = None
    why_not: str = ""


class Bench:
    """The settings of a run, and what it found so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.work: Path = options.work_dir.resolve()
        self.guards: bool = options.guards
        self.wheels_up_to: int = options.wheels_up_to
        self.simple503_up_to: int = options.simple503_up_to
        self.program: Command = [sys.executable, "-P", "-m", "builder"]
        self.results: list[Result] = []

    def note(self, files: int, tool: str, what: str, use: Use | None, why_not: str = "") -> None:
        """Keep a result and print it."""
        self.results.append(Result(files=files, tool=tool, what=what, use=use, why_not=why_not))
        print("  ".join(_row(self.results[-1])), file=sys.stderr, flush=True)

    def median(self, commands: Iterable[Sequence[str | Path]]) -> Use:
        """The median of several runs by CPU time, with the most memory of all."""
        uses = sorted((use_of(command) for command in commands), key=lambda use: use.cpu)
        middle = uses[len(uses) // 2]
        return Use(wall=middle.wall, cpu=middle.cpu, peak=max(use.peak for use in uses))


def inputs(bench: Bench, folder: Path, count: int) -> None:
    """The same files as our list of records and as dumb-pypi's lists; one more has a wheel."""
    print(f"making {count:,} files' records", file=sys.stderr, flush=True)
    folder.mkdir(parents=True)
    with (
        (folder / "records.jsonl").open("w") as ours,
        (folder / "dumb.jsonl").open("w") as theirs,
        (folder / "dumb-told.jsonl").open("w") as told,
    ):
        for one in all_made(count, guards=bench.guards):
            ours.write(one.line())
            theirs.write(one.dumb_line())
            told.write(one.dumb_line(dependencies=True))
    shutil.copy(folder / "dumb.jsonl", folder / "dumb-more.jsonl")
    (folder / "more").mkdir()
    for number in range(REPEATS):
        one = extra(_middle(count), number)
        write_wheel(folder / "more", one)
        if number == 0:
            with (folder / "dumb-more.jsonl").open("a") as theirs:
                theirs.write(one.dumb_line())


def ours(bench: Bench, folder: Path, count: int) -> None:
    """Ours: records in full, the pages alone, files one by one, one it has, the same again."""
    site, cache = folder / "site", folder / "cache"
    index: Command = [*bench.program, "--cache-dir", cache, "--quiet", "index"]
    build: Command = [*index, "build", "--site", site, "--files-url", FILES_URL]
    records: Command = [*build, "--records", folder / "records.jsonl"]
    bench.note(count, "ours", FULL, use_of(records))
    # No list of them: the kernel says that a program had at least the memory of who started it.
    for pattern in ("*/*/index.*", "*/index.*", "index.*"):
        for page in site.glob(pattern):
            page.unlink()
    bench.note(count, "ours", PAGES, use_of([*index, "render", site]))
    add: Command = [*index, "add", "--site", site, "--files-url", FILES_URL]
    wheels = sorted((folder / "more").glob("*.whl"))
    bench.note(count, "ours", ONE, bench.median([*add, wheel] for wheel in wheels))
    bench.note(count, "ours", KNOWN, bench.median([*add, wheels[0]] for _ in range(REPEATS)))
    with (folder / "records.jsonl").open("a") as lines:
        lines.writelines(extra(_middle(count), number).line() for number in range(REPEATS))
    bench.note(count, "ours", LIST, use_of(records))


def ours_from_folder(bench: Bench, folder: Path, count: int) -> None:
    """Ours: a folder of wheels and records, taken in once and then compared."""
    if count > bench.wheels_up_to:
        why = f"no real wheels are made beyond {bench.wheels_up_to:,}"
        bench.note(count, "ours", FOLDER, None, why)
        return
    site, cache = folder / "folder-site", folder / "folder-cache"
    index: Command = [*bench.program, "--cache-dir", cache, "--quiet", "index"]
    build: Command = [*index, "build", "--site", site, "--files-url", FILES_URL]
    command: Command = [*build, "--dist", folder / "dist"]
    bench.note(count, "ours", "folder, in full", use_of(command))
    bench.note(count, "ours", FOLDER, bench.median(command for _ in range(REPEATS)))


def dumb_pypi(bench: Bench, folder: Path, count: int) -> None:
    """dumb-pypi: its list in full, with one file more, and unchanged."""
    program = bench.work / "peers" / "bin" / "dumb-pypi"
    common: Command = [
        "--packages-url",
        FILES_URL,
        "--no-per-release-json",
        "--output-dir",
        folder / "dumb",
    ]
    old, new = folder / "dumb.jsonl", folder / "dumb-more.jsonl"
    previous = "--previous-package-list-json"
    for what, listed, before in ((FULL, old, None), (ONE, new, old), (NOTHING, new, new)):
        compared: Command = [previous, before] if before else []
        command: Command = [program, "--package-list-json", listed, *compared, *common]
        bench.note(count, "dumb-pypi", what, use_of(command))
    # Its files say what ours say then: the bar is about the former, which takes it less.
    told: Command = [program, "--package-list-json", folder / "dumb-told.jsonl", *common]
    bench.note(count, "dumb-pypi", TOLD_MORE, use_of(told))


def simple503(bench: Bench, folder: Path, count: int) -> None:
    """simple503, which reads the wheels themselves: the first time, with one more, and again."""
    limit = min(bench.wheels_up_to, bench.simple503_up_to)
    if count > limit:
        why = f"each run opens and hashes every wheel: none beyond {limit:,}"
        bench.note(count, "simple503", FULL, None, why)
        return
    program = bench.work / "peers" / "bin" / "simple503"
    # A folder of its own: it takes every wheel below it, and moves none with --copy.
    dist = folder / "simple503-dist"
    shutil.copytree(folder / "dist", dist, copy_function=os.link)
    command: Command = [program, "--copy", "--base-url", "/", dist, folder / "simple503"]
    bench.note(count, "simple503", FULL, use_of(command))
    shutil.copy(sorted((folder / "more").glob("*.whl"))[0], dist)
    bench.note(count, "simple503", ONE, use_of(command))
    bench.note(count, "simple503", NOTHING, use_of(command))


def wheels(bench: Bench, folder: Path, count: int) -> None:
    """Real wheels with their records, where that many are wanted."""
    if count <= bench.wheels_up_to:
        print(f"making {count:,} tiny wheels", file=sys.stderr, flush=True)
        (folder / "dist").mkdir()
        for number in range(count):
            write_wheel(folder / "dist", made(number, guards=bench.guards, real=True))


def bars(bench: Bench) -> list[list[str]]:
    """What the project promises, and what was measured."""
    rows = [["bar", "wanted", "measured", ""]]
    ours_full, theirs = (_use(bench, BAR_SIZE, tool, FULL) for tool in ("ours", "dumb-pypi"))
    if ours_full and theirs:
        by = {"wall": theirs.wall / ours_full.wall, "CPU": theirs.cpu / ours_full.cpu}
        for what, ratio in by.items():
            rows.append(
                [f"(a) 100,000 in full, dumb-pypi's {what}", "10 times", f"{ratio:.1f} times",
                 _met(ratio >= 10)]
            )  # fmt: skip
    limits = (("(b)", ONE, 0.3), ("(c)", KNOWN, 0.2), ("(d)", FOLDER, 1.5))
    for letter, what, limit in limits:
        use = _use(bench, BAR_SIZE, "ours", what)
        if use:
            rows.append(
                [f"{letter} 100,000: {what}, CPU", f"{limit} s", seconds(use.cpu),
                 _met(use.cpu < limit)]
            )  # fmt: skip
    peaks = {
        r.files: r.use.peak for r in bench.results if r.use and (r.tool, r.what) == ("ours", ONE)
    }
    if len(peaks) > 1:
        measured = ", ".join(f"{files:,}: {peak} MB" for files, peak in peaks.items())
        flat = max(peaks.values()) <= 1.25 * min(peaks.values())
        rows.append(["(e) peak memory of one file added", "the same", measured, _met(flat)])
    return rows


def compile_ours() -> None:
    """What pip does when it installs a package, and did for the others: bytecode beside modules."""
    code = Path(__file__).parents[1]
    use_of([sys.executable, "-m", "compileall", "-q", code / "index", code / "builder"])


def install_peers(work: Path) -> None:
    """The other tools, in a virtual environment of the benchmark's own."""
    home = work / "peers"
    if not all((home / "bin" / name).exists() for name in PEERS):
        use_of([sys.executable, "-m", "venv", "--clear", home])
        use_of([home / "bin" / "python", "-m", "pip", "--quiet", "install", *PEERS.values()])


def _middle(count: int) -> int:
    return count // PER_PROJECT // 2


def _use(bench: Bench, files: int, tool: str, what: str) -> Use | None:
    found = [one for one in bench.results if (one.files, one.tool, one.what) == (files, tool, what)]
    return found[0].use if found else None


def _met(met: bool) -> str:
    return "met" if met else "NOT met"


def _row(result: Result) -> list[str]:
    start = [f"{result.files:,}", result.tool, result.what]
    if result.use is None:
        return [*start, "not run,", "because", result.why_not]
    use = result.use
    return [*start, seconds(use.cpu), seconds(use.wall), f"{use.peak} MB"]


def main() -> None:
    """Measure at every size and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), metavar="FILES")
    parser.add_argument("--work-dir", type=Path, required=True, help="a folder of its own; emptied")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument(
        "--wheels-up-to", type=int, default=BAR_SIZE, help="make real wheels so far"
    )
    parser.add_argument("--simple503-up-to", type=int, default=10_000, help="it takes long")
    parser.add_argument("--guards", action="store_true", help="every version gets its guard, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    options = parser.parse_args()
    bench = Bench(options)
    bench.work.mkdir(parents=True, exist_ok=True)
    compile_ours()
    if options.peers:
        install_peers(bench.work)
    for count in options.sizes:
        folder = bench.work / f"size-{count}"
        shutil.rmtree(folder, ignore_errors=True)
        inputs(bench, folder, count)
        wheels(bench, folder, count)
        ours(bench, folder, count)
        ours_from_folder(bench, folder, count)
        if options.peers:
            dumb_pypi(bench, folder, count)
            simple503(bench, folder, count)
        shutil.rmtree(folder)
    heading = ["files", "tool", "what", "CPU", "wall", "peak memory"]
    print(table([heading, *map(_row, bench.results)]), table(bars(bench)), sep="\n\n")
    if options.json:
        machine = {"cores": os.cpu_count(), "python": platform.python_version()}
        found = [asdict(result) for result in bench.results]
        told = {"schema_version": 1, "machine": machine, "guards": bench.guards, "results": found}
        options.json.write_text(json.dumps(told, indent=1) + "\n")
