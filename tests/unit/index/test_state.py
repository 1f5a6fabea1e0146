"""The state is a cache: whatever happens to its file, it says what the ledger adds up to."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from index.errors import LedgerError, SiteError
from index.ledger import EMPTY, Configure, Event, Remove, Settings, Yank
from index.naming import twin_key
from index.records import Record
from index.state.database import CACHE_FOR_MANY_KB, CACHE_KB
from index.state.state import (
    ALL_PAGES,
    LANDING_PAGE,
    MANY,
    PROJECT_PAGE,
    ROOT_PAGE,
    State,
)
from tests.index_kit import add, ledger, opened, state_of, tell

Make = Callable[..., Record]
A118, A124 = "a-1+cu118-py3-none-any.whl", "a-1+cu124-py3-none-any.whl"
B118, EVERYWHERE = "b-1+cu118-py3-none-any.whl", "e-1-py3-none-any.whl"


def kept(folder: Path) -> Path:
    """The one state kept in a cache folder."""
    (path,) = folder.glob("*.sqlite")
    return path


def tell_at_last(folder: Path) -> dict[str, object]:
    """What the state says; damage that shows late costs one run, which says so."""
    failed = None
    try:
        with opened(folder) as site:
            return tell(site.state)
    except SiteError as error:
        failed = error
    assert "cache" in failed.message
    assert "run the command again" in str(failed)
    with opened(folder) as site:
        return tell(site.state)


@pytest.fixture
def site(tmp_path: Path, make_record: Make) -> Path:
    with opened(tmp_path) as site:
        site.append(add(make_record(name)) for name in (A118, A124, B118, EVERYWHERE))
        site.append([Yank(filename=A124, reason="slow"), Remove(filename=B118, reason="broken")])
        site.append([Configure(settings=Settings(default_cuda="cu118"))])
    return tmp_path


def test_it_counts_what_is_there(site: Path) -> None:
    with opened(site) as opened_site:
        state = opened_site.state
        assert state.count() == 3
        assert state.roots() == ["cu118", "cu124"]
        assert state.labels() == ["cu118", "cu124"]
        assert state.projects() == ["a", "e"]
        assert state.projects("cu124") == ["a", "e"]
        assert [known.filename for known in state.files_of("a")] == [A118, A124]
        assert state.settings.default_cuda == "cu118"


@pytest.mark.parametrize("fault", ["gone", "empty", "text", "old version", "head cut", "half"])
def test_a_damaged_file_is_made_anew(site: Path, fault: str) -> None:
    with opened(site) as before:
        expected = tell(before.state)
    path = kept(site / "cache")
    data = path.read_bytes()
    if fault == "gone":
        path.unlink()
    elif fault == "old version":
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 0")
            database.execute("DROP TABLE file")
        database.close()
    else:
        path.write_bytes(
            {"empty": b"", "text": b"no database\n" * 500, "head cut": data[100:],
             "half": data[: len(data) // 2]}[fault]
        )  # fmt: skip
    assert tell_at_last(site) == expected


@pytest.mark.parametrize("page", range(1, 7))
def test_damage_that_shows_late_is_told_and_gone_the_next_time(site: Path, page: int) -> None:
    with opened(site) as before:
        expected = tell(before.state)
    path = kept(site / "cache")
    data = bytearray(path.read_bytes())
    size = 4096
    assert page * size < len(data)
    data[page * size : page * size + 200] = b"\xff" * 200
    path.write_bytes(data)
    assert tell_at_last(site) == expected


def test_a_state_of_another_site_is_not_believed(tmp_path: Path, make_record: Make) -> None:
    for name, wheel in (("one", A118), ("two", B118)):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name) as site:
            site.append([add(make_record(wheel))])
    kept(tmp_path / "two/cache").write_bytes(kept(tmp_path / "one/cache").read_bytes())
    with opened(tmp_path / "two") as site:
        assert [known.filename for known in site.state.all_files()] == [B118]
        assert ALL_PAGES in site.state.stale()


def test_a_half_made_reset_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with State.in_file(path) as state:
        state.set("key", "value")
        state.commit()
        state.reset()
        assert state.get("key") is None
        state.rollback()
        assert state.get("key") == "value"
        state.reset()  # and then the process is killed
    with State.in_file(path) as state:
        assert state.get("key") == "value"


FILL_AND_DIE = """
import os, signal, sys
from pathlib import Path
from index.state.state import State
with State.in_file(Path(sys.argv[1])) as state:
    state.commit()
    for number in range(3000):  # more than is kept in memory
        state.set(f"key {number}", "x" * 10_000)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_while_the_first_state_is_filled_leaves_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    died = subprocess.run([sys.executable, "-c", FILL_AND_DIE, path], check=False)
    assert died.returncode == -signal.SIGKILL
    assert path.stat().st_size > 1_000_000, "half of it is there"
    for _ in range(2):
        with State.in_file(path) as state:
            assert state.get("key 0") is None
            assert state.head == EMPTY


def test_a_full_disk_under_the_cache_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(SiteError, match="full") as caught,
        State.in_file(tmp_path / "state.sqlite") as state,
    ):
        state._database.execute("PRAGMA max_page_count = 20")
        for number in range(10_000):
            state.set(f"key {number}", "x" * 1000)
    assert "make room" in str(caught.value)
    with State.in_file(tmp_path / "state.sqlite") as state:
        assert state.get("key 0") is None


def test_a_refused_event_leaves_the_state_as_it_was(site: Path, make_record: Make) -> None:
    with opened(site) as opened_site:
        before = tell(opened_site.state)
        with pytest.raises(LedgerError, match="there already"):
            opened_site.append([add(make_record("new-1-py3-none-any.whl")), add(make_record(A118))])
        assert tell(opened_site.state) == before
    with opened(site) as opened_site:
        assert tell(opened_site.state) == before


def stale_after(state: State, *events: Event) -> set[str]:
    """What a rendered state marks for more events."""
    from index.ledger import Line, seal_event

    state.mark_fresh()
    for event in events:
        _, head = seal_event(event, state.head)
        state.apply(Line(event, head, state.head.size))
    return set(state.stale())


def test_only_what_changed_is_stale(make_record: Make) -> None:
    state = state_of(ledger(*(add(make_record(n)) for n in (A118, B118, EVERYWHERE))))
    assert ALL_PAGES in state.stale()
    a, b, e = (PROJECT_PAGE + name for name in "abe")
    root = ROOT_PAGE + "cu118"
    second = "a-2+cu118-py3-none-any.whl"
    assert stale_after(state, add(make_record(second))) == {a}
    assert stale_after(state, Yank(filename=second, reason="x")) == {a}
    assert stale_after(state, Remove(filename=second, reason="x")) == {a}
    assert stale_after(state, Remove(filename=B118, reason="x")) == {b, root}
    # The last file of a root: the root goes, and with it the pages of files that stand in all.
    assert stale_after(state, Remove(filename=A118, reason="x")) == {a, e, root, LANDING_PAGE}
    assert stale_after(state, add(make_record(A124))) == {
        a, e, ROOT_PAGE + "cu124", LANDING_PAGE,
    }  # fmt: skip
    # A file of no CUDA: every root lists its project.
    assert stale_after(state, Remove(filename=EVERYWHERE, reason="x")) == {e, ROOT_PAGE}
    assert ALL_PAGES in stale_after(state, Configure(settings=Settings(title="Mine")))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_names_that_are_taken(make_record: Make, count: int) -> None:
    names = [f"a-{number}-py3-none-any.whl" for number in range(1, 6)]
    state = state_of(ledger(*[add(make_record(name)) for name in names]))
    keys = [twin_key(name) for name in (*names[:count], "a-9-py3-none-any.whl")]
    there = state.taken(keys)
    assert {key: row[0] for key, row in there.items()} == dict(
        zip(keys, names[:count], strict=False)
    )
    assert state.taken([keys[-1]]) == state.taken([]) == {}


def memory_for_pages(state: State) -> int:
    """What the database may keep of its file, in kB."""
    (told,) = state._database.execute("PRAGMA cache_size").fetchone()
    return -int(told)


def test_only_who_has_many_files_takes_much_memory(tmp_path: Path, make_record: Make) -> None:
    with opened(tmp_path) as site:
        site.append([add(make_record(A118))])
        assert memory_for_pages(site.state) == CACHE_KB
        site.append(add(make_record(f"m-{number}-py3-none-any.whl")) for number in range(MANY))
        assert memory_for_pages(site.state) == CACHE_FOR_MANY_KB
    with State.in_file(tmp_path / "folders.sqlite") as state:
        assert memory_for_pages(state) == CACHE_KB
        state.compare("dist", list)
        assert memory_for_pages(state) == CACHE_FOR_MANY_KB
