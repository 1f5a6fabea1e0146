"""`builder index …`, as a maintainer types it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.errors import EntryError, LedgerError, SiteError
from index.files import write_bytes
from index.records import write_record
from index.site import deleting, finish
from index.site.disk import read_state
from index.wheels import record_of_wheel
from tests.index_kit import tree
from tests.unit.index.conftest import metadata

MakeWheel = Callable[..., Path]
Run = Callable[..., Result]
TINY = "tiny_gpu-1.0+cu118-1-py3-none-manylinux_2_31_x86_64.whl"
NEWER = "tiny_gpu-1.1+cu118-1-py3-none-manylinux_2_31_x86_64.whl"
OTHER = "tiny_gpu-1.1+cu124-1-py3-none-manylinux_2_31_x86_64.whl"
GUARD = "tiny_gpu-1.0+cu118.tar.gz"
RENDER = "`builder index render`,"
NEWER_GUARD = "tiny_gpu-1.1+cu118.tar.gz"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")

    def invoke(*arguments: str | Path, status: int = 0) -> Result:
        words = ["--cache-dir", tmp_path / "cache", "index", *arguments]
        result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result

    return invoke


def live(site: Path) -> list[str]:
    return [known.filename for known in read_state(site).all_files()]


# --- taking wheels in ----------------------------------------------------------------------------


def test_add_says_what_came_of_it_and_what_to_paste(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    said = run(
        "add", make_wheel(TINY), "--site", site, "--base-url", "https://me.example/w/"
    ).output
    assert f"added {TINY}" in said
    assert '--extra-index-url https://me.example/w/cu118 "tiny-gpu==1.0+cu118"' in said
    assert live(site) == [TINY, GUARD]
    again = run("add", site.parent / "dist" / TINY, "--site", site).output
    assert "0 new, 1 as they were; 2 files in the index; 0 pages written" in again


def test_without_an_address_it_says_how_to_give_one(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    assert "--base-url" in run("add", make_wheel(TINY), "--site", site).output


def test_add_as_json(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    told = json.loads(run("add", make_wheel(TINY), "--site", site, "--json").stdout)
    assert told["schema_version"] == 1
    assert (told["added"], told["files"], told["same"]) == ([TINY], 2, 0)
    assert told["unmet"] == []


def test_settings_are_remembered_and_refused_where_they_are_none(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    run("add", make_wheel(TINY), "--site", site, "--default-cuda", "cu118", "--title", "Ours")
    assert (site / "simple/tiny-gpu/index.html").is_file()
    assert "Ours" in (site / "index.html").read_text()
    run("add", make_wheel(NEWER), "--site", site)
    assert read_state(site).settings.default_cuda == "cu118"
    said = run("add", make_wheel(TINY), "--site", site, "--python", "2.7", status=2).output
    assert "--python: '2.7' is not a Python such as 3.12" in said


@pytest.mark.parametrize(
    "address", ["wheels.example.org", "htps://x", "https://x/a b", "https://x?a", "https://", " "]
)
def test_an_address_of_its_own_that_is_none_is_told_with_an_example(
    run: Run, site: Path, make_wheel: MakeWheel, address: str
) -> None:
    said = run("add", make_wheel(TINY), "--site", site, "--base-url", address, status=2).output
    assert f"--base-url: '{address.rstrip('/')}' is not the address of a site" in said
    assert "write it like https://OWNER.github.io/REPO" in said
    assert "[^" not in said, "no regular expression"
    assert live(site) == []


def test_a_profile_nobody_should_publish_needs_a_word(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    wheel = make_wheel(TINY)
    write_record(record_of_wheel(wheel).model_copy(update={"profile": "quick"}), wheel)
    with pytest.raises(EntryError, match="profile 'quick'") as error:
        run("add", wheel, "--site", site)
    assert "--force" in str(error.value)
    assert live(site) == []
    run("add", wheel, "--site", site, "--force")
    assert TINY in live(site)


def test_other_bytes_under_a_name_of_the_index_are_refused(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    before = tree(site)
    with pytest.raises(EntryError, match="other bytes"):
        run("add", make_wheel(TINY, members={"more": b"x"}), "--site", site)
    assert tree(site) == before


def test_a_wheel_whose_companion_is_not_there_is_warned_of(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    need = "Requires-Dist: tiny-companion==0.9+cu118"
    wheel = make_wheel(TINY, text=metadata("tiny-gpu", "1.0+cu118", need))
    assert "needs tiny-companion==0.9+cu118" in run("add", wheel, "--site", site).output
    told = told_by(run, "add", wheel, "--site", site.parent / "told")
    assert told["unmet"] == [{"filename": TINY, "needs": "tiny-companion==0.9+cu118"}]
    companion = make_wheel("tiny_companion-0.9+cu118-py3-none-any.whl")
    assert "needs" not in run("add", wheel, companion, "--site", site.parent / "both").output


def test_build_names_what_a_folder_lacks_and_changes_nothing(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    wheel = make_wheel(TINY)
    dist = wheel.parent
    make_wheel(NEWER)
    run("build", "--dist", dist, "--site", site)
    assert "0 new, 2 as they were" in run("build", "--dist", dist, "--site", site).output
    before = tree(site)
    wheel.unlink()
    with pytest.raises(EntryError, match=re.escape(f"{TINY}: in the index, not in")):
        run("build", "--dist", dist, "--site", site)
    assert tree(site) == before


def test_build_from_a_list_of_records(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    records = site.parent / "records.jsonl"
    lines = [record_of_wheel(make_wheel(name)).model_dump_json() for name in (TINY, NEWER)]
    write_bytes(records, "\n".join([*lines, ""]).encode())
    url = "https://files.example/{name}-{version}"
    run("build", "--records", records, "--site", site, "--files-url", url)
    page = (site / "cu118/tiny-gpu/index.html").read_text()
    assert "https://files.example/tiny-gpu-1.0%2Bcu118/tiny_gpu-1.0%2Bcu118-1-" in page
    assert not (site / "files" / TINY).exists()
    again = run("build", "--records", records, "--site", site, "--files-url", url).output
    assert "0 new, 2 as they were" in again
    write_bytes(records, lines[0].encode() + b"\n")
    with pytest.raises(EntryError, match=re.escape(f"{NEWER}: in the index, not in the list")):
        run("build", "--records", records, "--site", site, "--files-url", url)


def test_a_list_that_is_not_there_is_named_and_no_site_is_made(run: Run, site: Path) -> None:
    words = ("build", "--site", site, "--files-url", "https://files.example", "--records", "none")
    assert "there is no file 'none'" in run(*words, status=2).output
    assert not site.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "either --dist or --records"),
        (["--dist", "d", "--records", "r"], "either --dist or --records"),
        (["--records", "r"], "--files-url"),
    ],
)
def test_build_wants_one_source(run: Run, site: Path, arguments: list[str], said: str) -> None:
    assert said in run("build", "--site", site, *arguments, status=2).output


def test_wheels_in_a_folder_beside_the_site(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    beside = site.parent / "wheels"
    run("add", make_wheel(TINY), "--site", site, "--files-dir", beside)
    assert (beside / TINY).is_file()
    assert "../../../wheels/tiny_gpu" in (site / "cu118/tiny-gpu/index.html").read_text()


def test_the_drive_layout_is_a_folder_that_pip_reads(
    run: Run, tmp_path: Path, make_wheel: MakeWheel
) -> None:
    site = tmp_path / "My Drive" / "gpu wheels"
    said = run("build", "--dist", make_wheel(TINY).parent, "--site", site, "--layout", "drive")
    assert "file:///content/drive/MyDrive/gpu%20wheels/cu118" in said.output
    assert f"file://{tmp_path}/My%20Drive/gpu%20wheels/cu118" in said.output
    assert sorted(path.name for path in (site / "cu118/tiny-gpu").iterdir()) == ["index.html"]
    assert not (site / "index.html").exists()


# --- changing, and back --------------------------------------------------------------------------


def test_yank_and_undo(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), "--site", site)
    run("yank", site, TINY, "--reason", 'wrong "cuDNN"')
    page = (site / "cu118/tiny-gpu/index.html").read_text()
    assert 'data-yanked="wrong &quot;cuDNN&quot;"' in page
    assert page.count("data-yanked") == 2, "its guard hides nothing any more"
    run("yank", site, TINY, "--undo", "--reason", "it was the driver")
    assert "data-yanked" not in (site / "cu118/tiny-gpu/index.html").read_text()


def test_a_reason_is_asked_for(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), "--site", site)
    for verb in ("yank", "remove"):
        assert "--reason" in run(verb, site, TINY, status=2).output


def test_yanking_what_is_not_there_changes_nothing(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    before = tree(site)
    with pytest.raises(LedgerError, match=r"there is no 'no\.whl' to yank") as caught:
        run("yank", site, TINY, "no.whl", "--reason", "x")
    assert tree(site) == before
    assert "ledger line" not in caught.value.message
    assert "index log" in (caught.value.remedy or "")


def test_yanking_twice_for_one_reason_changes_nothing(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    run("yank", site, TINY, TINY, "--reason", "wrong cuDNN")
    before = tree(site)
    assert run("yank", site, TINY, "--reason", "wrong cuDNN").output == f"yanked already: {TINY}\n"
    assert tree(site) == before
    assert f"yanked: {TINY}" in run("yank", site, TINY, "--reason", "another").output


def test_remove_takes_the_bytes_too(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)
    run("remove", site, NEWER, "--reason", "a mistake", "--keep-bytes")
    assert NEWER not in (site / "cu118/tiny-gpu/index.html").read_text().replace("%2B", "+")
    assert (site / "files" / NEWER).is_file()
    said = run("remove", site, TINY, "--reason", "another").output
    assert f"deleted {TINY}" in said
    assert not (site / "files" / f"{TINY}.metadata").exists()


def test_a_removal_that_broke_off_goes_on(
    run: Run, site: Path, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)

    with breaking_off(monkeypatch):
        run("remove", site, TINY, "--reason", "a mistake", status=1)
    assert TINY not in live(site)
    said = run("check", site).output
    assert f"by a run that broke off; the next change of the index, or {RENDER}" in said
    assert f"deletes their bytes: files/{TINY}, files/{TINY}.metadata\n" in said
    count = read_state(site).head.count
    said = run("remove", site, TINY, "--reason", "a mistake").output
    assert said == f"removed already: {TINY}\ndeleted {TINY}\ndeleted {TINY}.metadata\n"
    assert read_state(site).head.count == count
    with pytest.raises(LedgerError, match=r"there is no 'no\.whl' to remove"):
        run("remove", site, TINY, "no.whl", "--reason", "x")


@contextmanager
def breaking_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A run is interrupted when the pages are written, before the first byte goes."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(finish, "delete_noted", interrupted)
        yield


def bytes_of(site: Path, wheel: str) -> list[str]:
    return sorted(path.name for path in (site / "files").glob(f"{wheel}*"))


@pytest.mark.parametrize("cache", ["kept", "lost"])
def test_what_a_killed_removal_left_goes_with_the_next_change(
    run: Run,
    site: Path,
    tmp_path: Path,
    make_wheel: MakeWheel,
    monkeypatch: pytest.MonkeyPatch,
    cache: str,
) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), make_wheel(OTHER), "--site", site)
    with breaking_off(monkeypatch):
        run("remove", site, TINY, "--reason", "a mistake", status=1)
    run("remove", site, OTHER, "--reason", "a mistake", "--keep-bytes")
    assert bytes_of(site, TINY) == []
    with breaking_off(monkeypatch):
        run("remove", site, OTHER, "--reason", "its bytes too", status=1)
    if cache == "lost":
        shutil.rmtree(tmp_path / "cache")
    assert bytes_of(site, OTHER) == [OTHER, f"{OTHER}.metadata"]
    run("yank", site, NEWER, "--reason", "old")
    assert bytes_of(site, OTHER) == []
    assert bytes_of(site, NEWER) == [NEWER, f"{NEWER}.metadata"]
    assert not (site / deleting.NOTE).exists()
    assert run("check", site).output.endswith("all as promised\n")


def test_bytes_of_a_killed_removal_stay_where_somebody_wants_them(
    run: Run, site: Path, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)
    count = read_state(site).head.count
    with breaking_off(monkeypatch):
        run("remove", site, TINY, NEWER, "--reason", "a mistake", status=1)
    with breaking_off(monkeypatch):
        run("remove", site, NEWER, "--reason", "a mistake", "--keep-bytes", status=1)
    run("rollback", site, "--to", count, "--reason", "it was none")
    run("remove", site, NEWER, "--reason", "a mistake", "--keep-bytes")
    run("render", site)
    assert TINY in live(site)
    assert bytes_of(site, TINY) == [TINY, f"{TINY}.metadata"]
    assert bytes_of(site, NEWER) == [NEWER, f"{NEWER}.metadata"]
    assert f"bytes are kept: files/{NEWER}, files/{NEWER}.metadata\n" in run("check", site).output


def test_a_removal_that_never_was_takes_no_bytes_later(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    """Killed behind the note and before the ledger's entry; later it is removed, its bytes kept."""
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)
    deleting.note(site, [TINY])
    run("yank", site, NEWER, "--reason", "old")
    assert not (site / deleting.NOTE).exists()
    assert TINY in live(site)
    run("rollback", site, "--to", 0, "--reason", "all of it")
    assert bytes_of(site, TINY) == [TINY, f"{TINY}.metadata"]


def test_rollback_goes_back_and_forth(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), "--site", site, "--base-url", "https://me.example")
    then, pages = read_state(site).head.count, page_bytes(site)
    run("add", make_wheel(NEWER), make_wheel(OTHER), "--site", site, "--title", "Other")
    run("yank", site, TINY, "--reason", "old")
    now = page_bytes(site)
    assert (
        "would remove" in run("rollback", site, "--to", then, "--reason", "r", "--dry-run").output
    )
    assert page_bytes(site) == now
    run("rollback", site, "--to", then, "--reason", "bad release")
    assert page_bytes(site) == pages
    assert (site / "files" / NEWER).is_file(), "one can go forward again"
    assert "nothing differs" in run("rollback", site, "--to", then, "--reason", "r").output
    with pytest.raises(SiteError, match="there is no state after 999"):
        run("rollback", site, "--to", 999, "--reason", "r")


def test_rollback_wants_the_bytes_of_what_comes_back(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    then = read_state(site).head.count
    run("remove", site, TINY, "--reason", "x")
    with pytest.raises(SiteError, match="1 files of that state are no longer in the site"):
        run("rollback", site, "--to", then, "--reason", "r")
    write_bytes(site / "files" / TINY, (site.parent / "dist" / TINY).read_bytes())
    run("rollback", site, "--to", then, "--reason", "r")
    assert TINY in live(site)


def page_bytes(site: Path) -> dict[str, bytes]:
    """Every page; the ledger goes on and wheels stay."""
    return {
        path: data for path, data in tree(site).items() if not path.startswith(("files/", "ledger"))
    }


# --- as data -------------------------------------------------------------------------------------

ROOT = Path(__file__).parents[3]
PAGES = ["cu118/tiny-gpu/index.html", "cu118/tiny-gpu/index.json"]


def told_by(run: Run, *words: str | Path) -> dict[str, Any]:
    """What a verb prints with ``--json``: nothing else on stdout, and a schema version."""
    told: dict[str, Any] = json.loads(run(*words, "--json").stdout)
    assert told.pop("schema_version") == 1
    said = (ROOT / "docs/publishing.md").read_text().partition("## For programs")[2]
    assert not [key for key in told if f"`{key}`" not in said], "said in the docs"
    return told


def test_a_yank_as_json(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)
    first = told_by(run, "yank", site, TINY, "--reason", "old")
    assert set(PAGES) <= set(first["pages_written"])
    del first["pages_written"]
    same = {"files": 4, "pages_removed": [], "dry_run": False}
    assert first == {**same, "yanked": [TINY], "yanked_already": [], "events": 6}
    again = told_by(run, "yank", site, TINY, NEWER, NEWER, "--reason", "old")
    assert (again["yanked"], again["yanked_already"]) == ([NEWER], [TINY])
    back = told_by(run, "yank", site, NEWER, "--undo", "--reason", "fine")
    assert back["offered_again"] == [NEWER]
    assert "yanked" not in back
    assert read_state(site).head.count == back["events"]


def test_a_yank_is_tried_first(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)
    run("yank", site, NEWER, "--reason", "old")
    before = tree(site)
    words = ("yank", site, TINY, NEWER, "--reason", "old")
    said = run(*words, "--dry-run").output
    assert said == f"would be yanked: {TINY}\nyanked already: {NEWER}\n"
    told = told_by(run, *words, "--dry-run")
    assert (told["dry_run"], told["yanked"], told["pages_written"]) == (True, [TINY], [])
    back = ("yank", site, NEWER, "--undo", "--reason", "fine", "--dry-run")
    assert run(*back).output == f"would be offered again: {NEWER}\n"
    with pytest.raises(LedgerError, match="there is no 'no' to yank"):
        run("yank", site, "no", "--reason", "x", "--dry-run")
    assert tree(site) == before
    assert run(*words).output == said.replace("would be ", "")


def test_a_removal_as_json(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)
    told = told_by(run, "remove", site, TINY, TINY, "--reason", "a mistake")
    assert told["removed"] == [TINY]
    assert told["deleted"] == [TINY, f"{TINY}.metadata"]
    assert told["files"] == len(live(site))
    assert set(PAGES) <= set(told["pages_written"])
    assert told["removed_already"] == []
    told = told_by(run, "remove", site, NEWER, "--reason", "another", "--keep-bytes")
    assert (told["removed"], told["deleted"]) == ([NEWER], [])
    assert told["events"] == read_state(site).head.count
    told = told_by(run, "remove", site, NEWER, "--reason", "another")
    assert (told["removed"], told["removed_already"]) == ([], [NEWER])
    assert told["deleted"] == [NEWER, f"{NEWER}.metadata"]
    assert told["events"] == read_state(site).head.count


def test_a_rollback_as_json(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), "--site", site)
    run("add", make_wheel(NEWER), "--site", site, "--title", "Ours")
    before = tree(site)
    words = ("rollback", site, "--to", 2, "--reason", "r")
    tried = told_by(run, *map(str, words), "--dry-run")
    assert tree(site) == before
    changes = [
        {"event": "configure", "filename": None},
        {"event": "remove", "filename": NEWER},
        {"event": "remove", "filename": NEWER_GUARD},
    ]
    assert tried == {
        "to": 2,
        "dry_run": True,
        "changes": changes,
        "files": 4,
        "pages_written": [],
        "pages_removed": [],
        "events": 5,
    }
    done = told_by(run, *map(str, words))
    assert (done["dry_run"], done["changes"], done["events"]) == (False, changes, 8)
    assert set(PAGES) <= set(done["pages_written"])
    assert told_by(run, *map(str, words))["changes"] == []


def test_rendering_as_json(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), "--site", site)
    (site / PAGES[0]).unlink()
    told = told_by(run, "render", site)
    assert told["pages_written"] == PAGES[:1]
    assert told["pages_unchanged"] > 1
    assert (told["pages_removed"], told["files"], told["events"]) == ([], 2, 2)


# --- looking -------------------------------------------------------------------------------------


def test_log_tells_every_event_with_its_time(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), "--site", site)
    run("yank", site, TINY, "--reason", "old")
    said = run("log", site, "--last", "2").output.splitlines()
    assert said[0].split()[1:4] == ["2026-09-21T14:13:20Z", "yank", TINY]
    told = json.loads(run("log", site, "--json").stdout)
    assert [event["event"] for event in told["events"]] == ["add", "guard", "yank", "yank"]


def test_render_mends_a_page_and_leaves_the_rest(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    page = site / "cu118/index.html"
    right, other = page.read_bytes(), (site / "index.html").stat().st_mtime_ns
    page.write_text("oh no")
    said = run("render", site).output
    assert "wrote cu118/index.html" in said
    assert "1 pages written" in said
    assert page.read_bytes() == right
    assert (site / "index.html").stat().st_mtime_ns == other


# --- what is typed wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 1000])
@pytest.mark.parametrize("verb", [("yank",), ("yank", "--undo"), ("remove",), ("rollback",)])
def test_a_reason_that_no_ledger_takes_is_refused_at_once(
    run: Run, site: Path, make_wheel: MakeWheel, verb: tuple[str, ...], reason: str
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    what = ("--to", "1") if verb == ("rollback",) else (TINY,)
    before = tree(site)
    said = run(*verb, site, *what, "--reason", reason, status=2).output
    assert "one line" in said
    assert tree(site) == before


def test_the_longest_reason_is_taken_by_a_rollback_too(
    run: Run, site: Path, make_wheel: MakeWheel
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    run("rollback", site, "--to", "0", "--reason", "x" * 900)
    assert live(site) == []


@pytest.mark.parametrize("names", ["", "  "])
@pytest.mark.parametrize("verb", ["yank", "remove"])
def test_no_file_at_all_is_not_enough(
    run: Run, site: Path, make_wheel: MakeWheel, verb: str, names: str
) -> None:
    run("add", make_wheel(TINY), "--site", site)
    before = tree(site)
    assert "name a file" in run(verb, site, names, "--reason", "x", status=2).output
    assert tree(site) == before


def test_several_names_may_stand_in_one_text(run: Run, site: Path, make_wheel: MakeWheel) -> None:
    run("add", make_wheel(TINY), make_wheel(NEWER), "--site", site)
    for verb, done in (("yank", "yanked"), ("remove", "removed")):
        said = run(verb, site, f"{TINY}  {NEWER}", "--reason", "x").output
        assert said.startswith(f"{done}: {TINY}\n{done}: {NEWER}\n")


@pytest.mark.parametrize("moment", ["today", "1e9", "9" * 30])
def test_a_moment_that_is_none_is_named(
    run: Run, site: Path, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
    said = run("add", make_wheel(TINY), "--site", site, status=2).output
    assert f"SOURCE_DATE_EPOCH is '{moment}'" in said


@pytest.mark.parametrize(
    "words",
    [
        ("render",),
        ("yank", TINY, "--reason", "x"),
        ("remove", TINY, "--reason", "x"),
        ("rollback", "--to", "0", "--reason", "x"),
    ],
    ids=lambda words: words[0],
)
def test_a_folder_that_is_no_site_is_left_as_it_is(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / ".letter.part").write_text("somebody else's")
    said = run(words[0], folder, *words[1:], status=2).output
    assert "is no index" in said
    assert [path.name for path in folder.iterdir()] == [".letter.part"]


@pytest.mark.parametrize(
    "address",
    [
        *("https://[", "http://", "https://host:port/", "http:///x"),
        *("htps://host/x", "ftp://host/x", "file://another/x"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        ("index", "check", "{}"),
        ("publish", "fetch", "{}", "--dist", "back", "--new-is-fine"),
        ("publish", "choose", "all", *("--dist", "dist", "--into", "into"), "--new-is-fine",
         "--published", "{}"),
    ],
    ids=lambda words: words[1],
)  # fmt: skip
def test_an_address_that_is_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, words: tuple[str, ...]
) -> None:
    """And never taken for an index that is not there yet."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        cli, ["--cache-dir", "cache", *(one.format(address) for one in words)]
    )
    assert isinstance(done.exception, SiteError)
    assert address in done.exception.message
    assert "https://HOST/PATH" in (done.exception.remedy or "")
    assert "address of a" in done.exception.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["for real", "dry run"])
@pytest.mark.parametrize(
    "words",
    [
        ("folder", "there"),
        ("retain", "--policy", "policy.toml"),
        ("rollback", "--to", "0", "--reason", "x"),
    ],
    ids=lambda words: words[0],
)
def test_what_is_no_site_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.toml").write_text("schema_version=1\nkeep_versions=3\nremove_after_days=30\n")
    Path("documents").mkdir()
    told = ["--cache-dir", "cache", "publish", *words, "--site", "documents", *more]
    result = CliRunner().invoke(cli, told, catch_exceptions=False)
    assert result.exit_code == 2, result.output
    assert "is no index" in result.output
    assert not list(Path("documents").iterdir())
    assert not Path("there").exists()
