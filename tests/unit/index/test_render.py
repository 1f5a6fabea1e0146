"""Pages on disk: only what changed is written, and they end the same whatever came between."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from index.ledger import Configure, Event, Guard, Remove, Settings, Unyank, Yank
from index.pages import form
from index.records import Record
from index.site.render import render
from index.site.writer import Written
from tests.index_kit import TIME, add, opened, tree
from tests.process_kit import killed_at

Make = Callable[..., Record]
A118, A124 = "a-1+cu118-py3-none-any.whl", "a-1+cu124-py3-none-any.whl"
B118, EVERYWHERE = "b-1+cu118-py3-none-any.whl", "e-1-py3-none-any.whl"


def change(folder: Path, *events: Event) -> Written:
    """Events, and the pages after them."""
    with opened(folder) as site:
        site.append(events)
        return render(site)


def times(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in (folder / "site").rglob("*")
        if path.is_file() and "ledger" not in path.name and path.name != ".lock"
    }


def pages(folder: Path) -> dict[str, bytes]:
    """Everything in the site but its ledger."""
    site = tree(folder / "site")
    return {path: data for path, data in site.items() if not path.startswith("ledger")}


def from_scratch(folder: Path, at: Path) -> dict[str, bytes]:
    """What the same ledger gives in an empty folder with no state."""
    shutil.rmtree(at, ignore_errors=True)
    (at / "site").mkdir(parents=True)
    for name in ("ledger.jsonl", "ledger.head.json"):
        shutil.copy(folder / "site" / name, at / "site" / name)
    change(at)
    return pages(at)


@pytest.fixture
def site(tmp_path: Path, make_record: Make) -> Path:
    folder = tmp_path / "work"
    change(folder, *(add(make_record(name)) for name in (A118, A124, B118, EVERYWHERE)))
    return folder


def test_a_site_has_these_pages(site: Path) -> None:
    lists = {path for path in pages(site) if path.endswith(("index.html", "index.json"))}
    expected = {f"{root}/{place}" for root in ("cu118", "cu124", "simple") for place in ("", "e/")}
    expected |= {"cu118/a/", "cu124/a/", "cu118/b/"}
    expected = {f"{path.rstrip('/')}/index.{end}" for path in expected for end in ("html", "json")}
    assert lists == expected | {"index.html"} | {f"project/{name}/index.html" for name in "abe"}


def test_nothing_new_writes_nothing(site: Path) -> None:
    before = times(site)
    done = change(site)
    assert (done.pages, done.removed) == ([], [])
    assert times(site) == before


def test_one_file_more_touches_its_project_only(site: Path, make_record: Make) -> None:
    before = times(site)
    done = change(site, add(make_record("a-1.post1+cu118-py3-none-any.whl")))
    assert set(done.pages) == {
        "cu118/a/index.html", "cu118/a/index.json", "project/a/index.html", "index.html",
    }  # fmt: skip
    after = times(site)
    touched = {path for path in after if after[path] != before.get(path)}
    assert touched == {f"site/{path}" for path in done.pages}


def test_a_yank_touches_no_list_of_projects(site: Path) -> None:
    done = change(site, Yank(filename=B118, reason="slow"))
    assert {path for path in done.pages if not path.startswith("index")} == {
        "cu118/b/index.html", "cu118/b/index.json", "project/b/index.html",
    }  # fmt: skip


def test_the_last_file_takes_its_project_along(site: Path, tmp_path: Path) -> None:
    done = change(site, Remove(filename=B118, reason="broken"))
    assert sorted(done.removed) == [
        "cu118/b/index.html", "cu118/b/index.json", "project/b/index.html",
    ]  # fmt: skip
    assert not (site / "site/cu118/b").exists()
    assert not (site / "site/project/b").exists()
    assert pages(site) == from_scratch(site, tmp_path / "new")


def test_the_last_file_of_a_root_takes_the_root_along(site: Path, tmp_path: Path) -> None:
    done = change(site, Remove(filename=A124, reason="broken"))
    assert not (site / "site/cu124").exists()
    # What links goes before what is linked to.
    assert [path for path in done.removed if path.startswith("cu124")] == [
        f"cu124/{place}index.{end}" for place in ("", "a/", "e/") for end in ("html", "json")
    ]
    assert pages(site) == from_scratch(site, tmp_path / "new")
    change(site, *(Remove(filename=name, reason="x") for name in (A118, B118, EVERYWHERE)))
    assert {path for path in pages(site) if "/index." in path} == set()
    assert pages(site) == from_scratch(site, tmp_path / "new")


def test_the_default_root_comes_and_goes(tmp_path: Path, make_record: Make) -> None:
    folder = tmp_path / "work"
    change(folder, add(make_record(A118)), add(make_record(A124)))
    assert not (folder / "site/simple").exists()
    for label in ("cu118", "cu124"):
        change(folder, Configure(settings=Settings(default_cuda=label)))
        assert f"%2B{label}-" in (folder / "site/simple/a/index.html").read_text()
    change(folder, Remove(filename=A124, reason="x"))
    assert not (folder / "site/simple").exists()
    assert pages(folder) == from_scratch(folder, tmp_path / "new")


def test_another_layout_leaves_nothing_of_the_first(site: Path, tmp_path: Path) -> None:
    web = pages(site)
    own = site / "site" / "notes.html"
    own.write_text("mine")
    change(site, Configure(settings=Settings(layout="drive")))
    drive = pages(site)
    assert {path for path in drive if not re.fullmatch(r"\w+/(\w+/)?index\.html", path)} == {
        "notes.html"
    }
    change(site, Configure(settings=Settings(layout="web")))
    own.unlink()
    assert pages(site) == web


def test_a_folder_of_somebody_s_is_left_alone(tmp_path: Path, make_record: Make) -> None:
    folder = tmp_path / "work"
    own = [
        folder / "site" / name for name in ("index.html", "docs/index.html", "docs/a/index.html")
    ]
    for path in own:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    change(folder, Configure(settings=Settings(layout="drive")), add(make_record(A118)))
    change(folder, Remove(filename=A118, reason="x"))
    assert [path.read_text() for path in own] == ["mine"] * 3


def test_a_lost_state_gives_the_same_bytes(site: Path) -> None:
    change(site, Yank(filename=A118, reason="slow"), Remove(filename=B118, reason="x"))
    before, stamped = pages(site), times(site)
    shutil.rmtree(site / "cache")
    done = change(site)
    assert (done.pages, done.removed) == ([], [])
    assert (pages(site), times(site)) == (before, stamped)


def test_pages_as_old_as_the_folder_they_came_in_are_brought_up(site: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(site / "site", old)
    change(site, Yank(filename=A118, reason="slow"), Remove(filename=B118, reason="x"))
    expected = pages(site)
    for name in ("ledger.jsonl", "ledger.head.json"):
        shutil.copy(site / "site" / name, old / name)
    shutil.rmtree(site / "site")
    shutil.copytree(old, site / "site")  # the cache stays, and knows the newest ledger
    change(site)
    assert pages(site) == expected


def test_pages_of_an_older_form_are_written_again(
    site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = site / "site/cu118/b/index.html"
    expected = page.read_text()
    page.write_text("as an older version wrote it")
    assert change(site).pages == []
    (tmp_path / "code.py").write_text("another version")
    monkeypatch.setattr(form, "MADE_BY", (tmp_path / "code.py",))
    assert change(site).pages == ["cu118/b/index.html"]
    assert page.read_text() == expected
    assert change(site).pages == []


def test_the_remains_of_a_kill_are_cleared_away(site: Path) -> None:
    before = tree(site / "site")

    def work() -> None:
        with opened(site):
            (site / "site/files/.arriving-x").mkdir(parents=True)
            (site / "site/files/.arriving-x/a.whl").write_bytes(b"half")
            (site / "site/cu118/.index.html.abc.part").write_bytes(b"half")
            import os

            os._exit(0)

    from tests.process_kit import end_of, start

    assert end_of(start(work)) == 0
    assert tree(site / "site") != before
    with opened(site):
        assert tree(site / "site") == before


# -- kills ----------------------------------------------------------------------------------


def broken_links(folder: Path) -> list[str]:
    """Links of root pages and project pages to pages that are not there."""
    found = []
    for path, data in pages(folder).items():
        if not path.endswith("index.html"):
            continue
        for link in re.findall(r'href="([^":#?]*/)"', data.decode()):
            target = (folder / "site" / path).parent / link / "index.html"
            if not target.is_file():
                found.append(f"{path}: {link}")
    return found


@pytest.mark.parametrize("what", ["more", "less"])
def test_a_kill_at_any_line_is_mended_by_the_next_run(
    site: Path, tmp_path: Path, make_record: Make, what: str
) -> None:
    more: Sequence[Event] = [add(make_record(f"{n}-1+cu130-py3-none-any.whl")) for n in ("a", "c")]
    less: Sequence[Event] = [Remove(filename=name, reason="x") for name in (A124, B118)]
    events = more if what == "more" else less
    reference = tmp_path / "reference"
    shutil.copytree(site, reference)
    change(reference, *events)
    expected = pages(reference)
    modules = ("index.site.render", "index.site.writer", "index.files")
    step, line, turn = random.Random(2), 0, 0
    while True:
        place = tmp_path / "killed"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(site, place)
        with opened(place) as opened_site:
            opened_site.append(events)
        came_so_far = killed_at(lambda at=place: change(at), modules, line)
        assert broken_links(place) == [], line
        if turn % 3 == 0:
            shutil.rmtree(place / "cache")
        change(place)
        assert pages(place) == expected, line
        if not came_so_far:
            break
        line += step.randint(10, 130)
        turn += 1
    assert line > 100


# -- the same in the end --------------------------------------------------------------------


def guard(version: str, cuda: str) -> Guard:
    filename = f"a-{version}.tar.gz"
    return Guard(
        filename=filename, name="a", version=version, cuda=cuda or None, message="none",
        sha256="0" * 64, size=9, url=f"files/{filename}", uploaded=TIME,
    )  # fmt: skip


def _anything(chance: random.Random, there: dict[str, bool], make_record: Make) -> Event:
    """One more thing that may happen; ``there``: file name to whether it is yanked."""
    kind = chance.choice(["add"] * 5 + ["guard", "yank", "unyank", "remove", "remove", "set"])
    name = chance.choice(sorted(there)) if there else ""
    if kind == "set":
        labels = (None, "cu118", "cu124")
        layouts = ("web", "web", "drive")
        return Configure(
            settings=Settings(default_cuda=chance.choice(labels), layout=chance.choice(layouts))
        )
    if kind == "remove" and name:
        del there[name]
        return Remove(filename=name, reason="x")
    if kind == "yank" and name:
        there[name] = True
        return Yank(filename=name, reason="y")
    if kind == "unyank" and there.get(name):
        there[name] = False
        return Unyank(filename=name, reason="z")
    label = chance.choice(["", "+cu118", "+cu124"])
    version = f"{chance.randint(1, 3)}{label}"
    event: Event
    if kind == "guard":
        event = guard(version, label[1:])
        filename = event.filename
    else:
        filename = f"{chance.choice('abc')}-{version}-py3-none-any.whl"
        event = add(make_record(filename))
    if filename in there:
        return _anything(chance, there, make_record)
    there[filename] = False
    return event


@pytest.mark.parametrize("seed", range(12))
def test_step_by_step_or_at_once_is_the_same(tmp_path: Path, make_record: Make, seed: int) -> None:
    chance = random.Random(seed)
    folder, there = tmp_path / "work", dict[str, bool]()
    for number in range(14):
        change(
            folder, *(_anything(chance, there, make_record) for _ in range(chance.randint(1, 2)))
        )
        if number % 3 == 0:
            assert broken_links(folder) == []
            assert pages(folder) == from_scratch(folder, tmp_path / "new"), number


def test_many_projects_are_shared_out_and_end_the_same(tmp_path: Path, make_record: Make) -> None:
    folder = tmp_path / "work"
    names = [f"p{n}-1+cu118-py3-none-any.whl" for n in range(150)]
    done = change(folder, *(add(make_record(name)) for name in names))
    assert len(done.pages) == len(set(done.pages)) >= 3 * len(names)
    expected = pages(folder)
    for name in names[:3]:
        change(tmp_path / "alone", add(make_record(name)))
    change(tmp_path / "alone", *(add(make_record(name)) for name in names[3:]))
    assert pages(tmp_path / "alone") == expected


def test_however_many_there_are_a_line_of_the_ledger_reads_the_same(
    tmp_path: Path, make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)
    folder, there = tmp_path / "work", dict[str, bool]()
    odd = {"a": [1.5, {"b": 2**70}], "c": True, "d": "é\u2028\x7f"}
    change(
        folder,
        *(_anything(chance, there, make_record) for _ in range(12)),
        add(make_record("odd-1-py3-none-any.whl", built=odd, build_spec=odd)),
    )
    few = from_scratch(folder, tmp_path / "few")
    monkeypatch.setattr("index.site.render.ALONE", 0)  # as if they were many
    assert from_scratch(folder, tmp_path / "many") == few == pages(folder)
