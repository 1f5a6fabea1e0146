"""Wheels by the hundred thousand: lists cut into stretches, folders that look as they did."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import index.site.add
from index.errors import EntryError, SiteError
from index.ledger import EMPTY, LEDGER_NAME, PlainAdd, seal_event
from index.records import Record, dump_record
from index.site import listed
from index.site.add import Added, build_folder, build_records
from index.site.arrivals import Arrivals, arrivals, seal_arrivals
from index.site.change import remove
from index.site.intake import Pin, parse_record
from index.site.listed import stretches
from index.site.placing import Placing
from index.site.reading import read_files
from index.state.known import Given
from index.state.state import State
from tests.index_kit import TIME, add, opened, tell

Make = Callable[..., Record]
PLACE = Placing(folder=None, address="https://h/w", uploaded=TIME)


def names(count: int, first: int = 0) -> list[str]:
    return [f"a-{number}+cu118-py3-none-any.whl" for number in range(first, first + count)]


def one_line(record: Record) -> bytes:
    return dump_record(record).replace("\n", " ").encode() + b"\n"


# -- lists ----------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text("a\n\r ", max_size=60), size=st.integers(1, 70), look=st.integers(1, 9))
def test_stretches_are_the_lines_of_the_file(
    tmp_path: Path, text: str, size: int, look: int
) -> None:
    path = tmp_path / "list"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listed, "STRETCH", size)
        patch.setattr(listed, "_LOOK", look)
        found = list(stretches(path))
        lines = [line for stretch in found for line in stretch.lines()]
        with path.open("rb") as file:
            assert lines == [line.removesuffix(b"\n") for line in file]
        number = 1
        for stretch in found:
            assert stretch.first() == number
            number += len(stretch.lines())


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of a record or two, so that a few records are many tasks."""
    monkeypatch.setattr(listed, "STRETCH", 1500)


@pytest.mark.usefixtures("short")
def test_a_file_is_taken_as_its_lines_are(tmp_path: Path, make_record: Make) -> None:
    lines = [one_line(make_record(name)) for name in names(40)]
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"".join(lines))
    told = []
    for place, given_as in (("file", path), ("lines", lines)):
        (tmp_path / place).mkdir()
        with opened(tmp_path / place) as site:
            assert build_records(site, given_as, PLACE).count == 40
            told.append((tell(site.state), (site.folder / LEDGER_NAME).read_bytes()))
            again = build_records(site, given_as, PLACE)
            assert (again.count, again.same) == (0, 40)
    assert told[0] == told[1]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("number", [1, 2, 23, 40])
def test_a_line_that_is_wrong_is_named(tmp_path: Path, make_record: Make, number: int) -> None:
    lines = [one_line(make_record(name)) for name in names(40)]
    lines[number - 1] = b"{}\n"
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"".join(lines))
    with opened(tmp_path) as site:
        with pytest.raises(EntryError, match=f"^line {number}: "):
            build_records(site, path, PLACE)
        assert site.state.head == EMPTY


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("far", [1, 39])
def test_the_same_name_twice_in_a_list(tmp_path: Path, make_record: Make, far: int) -> None:
    lines = [one_line(make_record(name)) for name in names(40)]
    path = tmp_path / "records.jsonl"
    path.write_bytes(b"".join([*lines[: far + 1], lines[0], *lines[far + 1 :]]))
    with opened(tmp_path) as site:
        added = build_records(site, path, PLACE)
        assert (added.count, added.same) == (40, 1)
    other = one_line(make_record(names(1)[0], sha256="1" * 64))
    path.write_bytes(b"".join([*lines[: far + 1], other]))
    (tmp_path / "other").mkdir()
    with opened(tmp_path / "other") as site:
        with pytest.raises(EntryError, match="other bytes under that name"):
            build_records(site, path, PLACE)
        assert site.state.head == EMPTY


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_a_list_that_names_one_twice_and_lacks_another_is_refused(
    tmp_path: Path, make_record: Make, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(index.site.add, "_AT_ONCE", at_once)
    lines = [one_line(make_record(name)) for name in names(10)]
    with opened(tmp_path) as site:
        build_records(site, lines, PLACE)
        assert build_records(site, [*lines, *lines[:5]], PLACE).same == 15
        lacking = re.escape(f"{names(10)[9]}: in the index, not in the list")
        with pytest.raises(EntryError, match=lacking):
            build_records(site, [*lines[:9], lines[0]], PLACE)
        assert site.state.head.count == 10


# -- arrivals -------------------------------------------------------------------------------


def arriving(records: Sequence[Record]) -> tuple[list[PlainAdd], Arrivals]:
    plain = [parse_record(one_line(record), "here") for record in records]
    events = [PlainAdd(f"https://h/{one.filename}", TIME, one, False) for one in plain]
    pins = [Pin(one.filename, one.cuda, "b==1+cu118") for one in plain]
    return events, arrivals(events, pins)


def test_arrivals_are_sealed_as_events_are(make_record: Make) -> None:
    events, some = arriving([make_record(name) for name in names(5)])
    head, lines = EMPTY, b""
    for event in events:
        line, head = seal_event(event, head)
        lines += line
    sealed, rows, after = seal_arrivals(some, EMPTY)
    assert (sealed, after) == (lines, head)
    at = 0
    for row, line in zip(rows, lines.splitlines(keepends=True), strict=True):
        assert row[-2:] == (at, len(line))
        at += len(line)


def test_some_of_the_arrivals(make_record: Make) -> None:
    records = [make_record(name) for name in names(5)]
    _, some = arriving(records)
    assert some.only(range(5)) == some
    assert some.only([1, 4]) == arriving([records[1], records[4]])[1]
    assert some.only([]) == arriving([])[1]


# -- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True])
def test_files_are_read_where_they_stand(tmp_path: Path, make_record: Make, apart: bool) -> None:
    other = [f"z{name}" for name in names(60)]
    with opened(tmp_path) as site:
        for name in (names(1)[0], *(other if apart else other[:1]), names(2)[1]):
            site.append([add(make_record(name))])
        places = site.state.places_of("a")
        files = list(read_files(site.folder, places))
        assert [file.filename for file in files] == names(2)
        known = site.state.files_of("a")
        assert list(read_files(site.folder, known)) == files
        swapped = [places[0]._replace(start=places[1].start), places[1]]
        with pytest.raises(SiteError, match="not where it was"):
            list(read_files(site.folder, swapped))


# -- folders --------------------------------------------------------------------------------


@pytest.fixture
def dist(tmp_path: Path, make_record: Make) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name in names(6):
        (folder / f"{name}.json").write_bytes(one_line(make_record(name)))
    return folder


def build(folder: Path, dist: Path) -> Added:
    with opened(folder) as site:
        return build_folder(site, dist, PLACE)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often a folder was held against the state, file by file."""
    asked = []
    compare = State.compare

    def noted(state: State, *args: Any) -> Given:
        asked.append(args)
        return compare(state, *args)

    monkeypatch.setattr(State, "compare", noted)
    return lambda: len(asked)


def test_a_folder_that_looks_as_it_did_is_not_looked_up(
    tmp_path: Path, dist: Path, unread: Callable[[], int]
) -> None:
    assert build(tmp_path, dist).count == 6
    for _ in range(2):
        done = build(tmp_path, dist)
        assert (done.count, done.same, done.removed) == (0, 6, ())
    assert unread() == 1
    (dist / f"{names(1)[0]}.json").touch()
    assert build(tmp_path, dist).same == 6
    assert unread() == 2
    assert build(tmp_path, dist).same == 6
    assert unread() == 2


@pytest.mark.parametrize("what", ["removed", "added", "changed", "gone", "new"])
def test_whatever_comes_or_goes_the_folder_is_looked_at_again(
    tmp_path: Path, dist: Path, make_record: Make, what: str
) -> None:
    build(tmp_path, dist)
    first, other = names(1)[0], names(1, 9)[0]
    place = dist / f"{first}.json"
    with opened(tmp_path) as site:
        if what == "removed":
            remove(site, [first], "broken")
        elif what == "added":
            site.append([add(make_record(other))])
    if what == "changed":
        found = place.stat()
        place.write_bytes(place.read_bytes().replace(b'"size": 1000', b'"size": 1001'))
        os.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns))
    elif what == "gone":
        place.unlink()
    elif what == "new":
        (dist / f"{other}.json").write_bytes(one_line(make_record(other)))
    if what in ("added", "gone"):
        missing = other if what == "added" else first
        with pytest.raises(EntryError, match="not as the index needs them") as caught:
            build(tmp_path, dist)
        assert missing in str(caught.value)
    else:
        done = build(tmp_path, dist)
        told = {"removed": (0, 5, (first,)), "changed": (0, 6, ()), "new": (1, 6, ())}[what]
        assert (done.count, done.same, done.removed) == told
