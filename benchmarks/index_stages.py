"""Where a full build's time goes: microseconds a file, stage by stage, all in one process.

Run it from a clone: ``python benchmarks/index_stages.py``. The figures are of `thread_time`, so
that other programs count little, and the least of many turns stands beside the middle one.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

# `index` is the package, not index.py beside this file.
sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson
from index_input import PER_PROJECT, all_made
from measure import table

from index.guard import missing_guards
from index.ledger import EMPTY, LEDGER_NAME, Settings
from index.model import File, in_order
from index.pages import human, rows, simple_html, simple_json
from index.pages.escaping import linked
from index.site.arrivals import Arrivals, seal_arrivals
from index.site.placing import Placing
from index.site.quick import Quick
from index.site.reading import read_files
from index.site.writer import Writer
from index.state.state import State
from index.swift import Swift, swift_add, swift_record, write_into

MOMENT = "2026-11-21T00:00:00Z"
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
Rows = list[list[str]]


def stage(
    found: Rows, who: str, what: str, work: Callable[[_Item], _Result], items: Iterable[_Item]
) -> list[_Result]:
    """Do a stage, a project's files at a time, and note what a file took of it."""
    results, taken = [], []
    for item in items:
        start = time.thread_time_ns()
        results.append(work(item))
        taken.append((time.thread_time_ns() - start) / PER_PROJECT / 1000)
    taken.sort()
    found.append([who, what, f"{taken[0]:.1f}", f"{taken[len(taken) // 2]:.1f}"])
    return results


def intake(found: Rows, lines: Sequence[Sequence[bytes]], state: State, ledger: Path) -> None:
    """From lines of a list to sealed lines of a ledger and rows of the state."""
    placing = Placing(folder=None, address="https://files.example/wheels", uploaded=MOMENT)
    head = EMPTY
    told = stage(found, "worker", "JSON read, keys, types", lambda some: [*map(_read, some)], lines)
    stage(found, "worker", "shared parts judged", lambda some: _judge(placing, some), told)
    stage(found, "worker", "JSON written", _write, told)
    made = stage(
        found, "worker", "all of that, and rows", lambda some: _taken(placing, some), lines
    )
    packed = stage(found, "worker", "handed over", pickle.dumps, made)
    made = stage(found, "parent", "received", pickle.loads, packed)
    with ledger.open("wb") as file:
        for some in made:
            start = time.thread_time_ns()
            sealed, listed, head = seal_arrivals(some, head)
            middle = time.thread_time_ns()
            state.arrive(listed, head, state.taken([row[0] for row in listed]))
            end = time.thread_time_ns()
            file.write(sealed)
            times = (middle - start, end - middle, time.thread_time_ns() - end)
            for what, spent in zip(("sealed", "into the state", "written"), times, strict=True):
                found.append(["parent", what, f"{spent / PER_PROJECT / 1000:.1f}", ""])


def _read(line: bytes) -> Swift:
    told = swift_record(line)
    assert told is not None
    return told


def _judge(placing: Placing, some: Sequence[Swift]) -> None:
    quick = Quick(placing)
    for one in some:
        assert quick.release(one) is not None


def _write(some: Sequence[Swift]) -> None:
    text = bytearray()
    for one in some:
        write_into(one, text, -1)


def _taken(placing: Placing, some: Sequence[bytes]) -> Arrivals:
    quick = Quick(placing)
    ends = []
    for line in some:
        assert quick.take(line)
        ends.append(len(quick.text))
    lengths = [end - start for start, end in pairwise([0, *ends])]
    return Arrivals(quick.rows, bytes(quick.text), lengths, quick.pins)


def pages(found: Rows, state: State, folder: Path) -> None:
    """From the ledger to pages on disk."""
    settings, writer = Settings(), Writer(folder)
    names = state.projects()
    places = stage(found, "parent", "places in the ledger", state.places_of, names)
    read = stage(
        found,
        "worker",
        "ledger read",
        lambda some: list(read_files(folder, some, swift_add)),
        places,
    )
    files: list[tuple[File, ...]] = stage(found, "worker", "in order", in_order, read)
    stage(
        found,
        "worker",
        "guards due?",
        lambda some: missing_guards(some, settings, uploaded=MOMENT),
        files,
    )
    at = stage(found, "worker", "addresses", lambda some: [*map(linked, some)], files)
    pairs = [[*zip(some, where, strict=True)] for some, where in zip(files, at, strict=True)]
    html = stage(
        found,
        "worker",
        "HTML for installers",
        lambda some: simple_html.page_of("a", [simple_html.file_link(*one) for one in some]),
        pairs,
    )
    json = stage(
        found,
        "worker",
        "JSON for installers",
        lambda some: simple_json.page_of(
            "a", [file.version for file, _ in some], [simple_json.file_part(*one) for one in some]
        ),
        pairs,
    )
    listed = [*zip(files, at, strict=True)]
    stage(
        found,
        "worker",
        "rows of the page for people",
        lambda some: rows.releases(*some, ""),
        listed,
    )
    shown = [human.shown(name, *some) for name, some in zip(names, listed, strict=True)]
    people = stage(
        found, "worker", "all of that page", lambda one: human.page_parts(one, settings), shown
    )
    whole = [*enumerate(zip(html, json, people, strict=True))]

    stage(found, "worker", "pages written", partial(_write_pages, writer), whole)


def _write_pages(writer: Writer, one: tuple[int, tuple[str, bytes, tuple[str, str, str]]]) -> None:
    """As many pages as with three CUDAs."""
    number, (first, second, third) = one
    for part in range(3):
        writer.write(f"cu{part}/{number}/index.html", first[: len(first) // 3])
        writer.write(f"cu{part}/{number}/index.json", second[: len(second) // 3])
    writer.write(f"project/{number}/index.html", *third)


def floor(found: Rows, lines: Sequence[Sequence[bytes]], folder: Path) -> None:
    """What libraries and the kernel take alone, with no Python between them."""
    told = stage(found, "", "orjson reads the record", _loaded, lines)
    stage(found, "", "orjson reads its event again", _loaded, lines)
    stage(found, "", "orjson writes its event", lambda some: [*map(orjson.dumps, some)], told)
    stage(found, "", "sha256 of its line", lambda some: [*map(hashlib.sha256, some)], lines)
    bare = sqlite3.connect(folder / "floor.sqlite", isolation_level="DEFERRED")
    bare.execute(f"CREATE TABLE file (a TEXT PRIMARY KEY, {', '.join('bcdefghijklmno')}, p)")
    insert = f"INSERT INTO file VALUES ({', '.join('?' * 16)})"
    listed = [
        [
            (one["filename"], *[one["filename"][:25]] * 13, number, 1)
            for number, one in enumerate(some)
        ]
        for some in told
    ]
    stage(found, "", "SQLite takes its row", lambda some: bare.executemany(insert, some), listed)
    bare.close()
    with (folder / "floor").open("wb", buffering=0) as file:
        stage(found, "", "its line written", lambda some: file.write(b"".join(some)), lines)
    page, small = b"x" * 300 * 10 * PER_PROJECT, b"x" * 6 * PER_PROJECT * 10

    def write(number: int) -> None:
        for part in range(7):
            place = folder / f"floor-{number}-{part}"
            place.mkdir()
            (place / "index.html").write_bytes(small if part else page)

    stage(found, "", "its part of seven pages written", write, range(len(lines)))


def _loaded(some: Sequence[bytes]) -> list[dict[str, Any]]:
    return [*map(orjson.loads, some)]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--work-dir", type=Path, help="where pages are written (default: /tmp)")
    options = parser.parse_args()
    lines = [one.line().encode() for one in all_made(options.files)]
    groups = [lines[first : first + PER_PROJECT] for first in range(0, options.files, PER_PROJECT)]
    found: Rows = []
    with tempfile.TemporaryDirectory(dir=options.work_dir) as work:
        folder = Path(work)
        with State.in_file(folder / "state.sqlite") as state:
            intake(found, groups, state, folder / LEDGER_NAME)
            pages(found, state, folder)
        bare: Rows = []
        floor(bare, groups, folder)
    print(table([["process", "stage", "least", "middle"], *_merged(found)]))
    print()
    print(table([["what no Python can do without", "least", "middle"], *[row[1:] for row in bare]]))


def _merged(found: Rows) -> Rows:
    """Stages that were noted project by project as one row each."""
    merged: Rows = []
    turns: dict[tuple[str, str], list[float]] = {}
    for who, what, least, middle in found:
        if middle:
            merged.append([who, what, least, middle])
        elif (who, what) in turns:
            turns[who, what].append(float(least))
        else:
            turns[who, what] = [float(least)]
            merged.append([who, what, "", ""])
    for row in merged:
        taken = sorted(turns.get((row[0], row[1]), ()))
        if taken:
            row[2:] = [f"{taken[0]:.1f}", f"{taken[len(taken) // 2]:.1f}"]
    return merged


if __name__ == "__main__":
    main()
