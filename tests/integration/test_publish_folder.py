"""`builder publish folder`: to a drive that breaks off, fills up, lies, or is somebody else's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from builder.cli.main import cli
from index.check import check_site
from index.ledger import Head
from index.publish import folder as publishing
from index.publish.copying import Item
from index.serve import Server
from tests.index_kit import tree

from .client_kit import make_client, tiny_wheel

pytestmark = pytest.mark.integration

GPU = "tiny_gpu-1.0+cu118-py3-none-any.whl"
BASE = "tiny_base-1.0-py3-none-any.whl"
NEXT = "tiny_gpu-1.1+cu118-py3-none-any.whl"
OTHER = "tiny_gpu-1.1+cu124-py3-none-any.whl"


def builder(place: Path, *arguments: object) -> Result:
    words = ["-q", "--cache-dir", str(place / "cache"), *map(str, arguments)]
    return CliRunner().invoke(cli, words)


def add(place: Path, *wheels: str, site: str = "site") -> None:
    made = []
    for wheel in wheels:
        if not (place / "dist" / wheel).is_file():
            tiny_wheel(place / "dist", wheel)
        made.append(place / "dist" / wheel)
    done = builder(
        place, "index", "add", *made, "--site", place / site, "--base-url", "https://x.invalid"
    )
    assert done.exit_code == 0, done.output


def publish(place: Path, *more: str, site: str = "site", dest: str = "drive/my wheels") -> Result:
    return builder(place, "publish", "folder", place / dest, "--site", place / site, *more)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A site of two wheels, and a mounted drive."""
    (tmp_path / "drive").mkdir()
    add(tmp_path, BASE, GPU)
    return tmp_path


def dest(place: Path) -> Path:
    return place / "drive/my wheels"


def complete(place: Path) -> None:
    assert tree(dest(place)) == tree(place / "site")
    assert not check_site(dest(place)).findings


def test_a_copy_is_the_site_and_a_second_one_touches_nothing(place: Path) -> None:
    assert publish(place).exit_code == 0
    complete(place)
    before = {path: path.stat().st_mtime_ns for path in dest(place).rglob("*")}
    done = publish(place)
    assert done.exit_code == 0
    assert "0 files copied" in done.output
    after = {path: path.stat().st_mtime_ns for path in dest(place).rglob("*")}
    assert before.keys() == after.keys()
    assert not [path for path in before if path.is_file() and before[path] != after[path]]


def test_a_dry_run_changes_nothing(place: Path) -> None:
    before = tree(place / "site")
    done = publish(place, "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    paths = [one["path"] for one in told["copies"]]
    wheels = [path for path in paths if path.endswith((".whl", ".tar.gz"))]
    assert paths[: len(wheels)] == wheels
    assert {f"files/{BASE}", f"files/{GPU}"} < set(wheels)
    assert paths.index("ledger.jsonl") < paths.index("cu118/tiny-gpu/index.html")
    assert not dest(place).exists()
    assert tree(place / "site") == before


def test_only_what_changed_is_copied(place: Path) -> None:
    assert publish(place).exit_code == 0
    add(place, NEXT)
    told = json.loads(publish(place, "--dry-run", "--json").stdout)
    new = {one["path"] for one in told["copies"] if one["why"] == "new"}
    guard = "files/tiny_gpu-1.1+cu118.tar.gz"
    assert new == {f"files/{NEXT}", f"files/{NEXT}.metadata", guard}
    assert publish(place).exit_code == 0
    complete(place)


@pytest.mark.parametrize("turn", range(12))
def test_broken_off_at_any_file_nothing_is_advertised_that_is_not_there(
    place: Path, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    assert publish(place).exit_code == 0
    add(place, OTHER, NEXT)
    real, count = publishing._copy, 0

    def breaks(item: Item, target: Path, *, flush: bool) -> object:
        nonlocal count
        count += 1
        if count > turn:
            raise OSError(5, "Input/output error", str(target))
        return real(item, target, flush=flush)

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_copy", breaks)
        assert publish(place).exit_code != 0
    # Whatever the old or the new pages name is there, whole.
    lost = [one for one in check_site(dest(place)).findings if "/files/" in one.place]
    assert all(one.kind == "leftover" for one in lost), lost
    assert publish(place).exit_code == 0
    complete(place)


COPYING = f"""
import sys, time
from builder.__main__ import main
from index.publish import folder
copy = folder._copy
def stops(item, target, *, flush):
    for size in copy(item, target, flush=flush):
        yield size
        if target.name == {OTHER!r}:
            print("half of it", flush=True)
            time.sleep(600)
folder._copy = stops
sys.argv[0] = "builder"
main()
"""
"""The command line, which says so and waits when the first block of a certain wheel is copied."""


def test_killed_in_the_middle_the_same_command_goes_on(place: Path) -> None:
    big = place / "dist" / OTHER
    tiny_wheel(place / "dist", OTHER, says="x" * 60_000_000)
    add(place, OTHER)
    words = ["publish", "folder", str(dest(place)), "--site", str(place / "site")]
    words = ["--cache-dir", str(place / "cache"), *words]
    line = [sys.executable, "-c", COPYING, *words]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert any(said == b"half of it\n" for said in child.stdout), "it was never half done"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert list(dest(place).rglob(f".{OTHER}*.part"))
    assert not (dest(place) / "ledger.jsonl").exists()
    assert not (dest(place) / "files" / OTHER).exists()
    subprocess.run([sys.executable, "-m", "builder", *words], check=True, capture_output=True)
    complete(place)
    assert (dest(place) / "files" / OTHER).stat().st_size == big.stat().st_size


def test_a_drive_that_loses_bytes_is_noticed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = publishing.sha256_file
    monkeypatch.setattr(
        publishing,
        "sha256_file",
        lambda path: "0" * 64 if GPU in path.name else real(path),
    )
    done = publish(place)
    assert "what arrived is not what was sent" in str(done.exception)
    assert not (dest(place) / "files" / GPU).exists()
    assert not (dest(place) / "ledger.jsonl").exists()


def test_somebody_elses_events_stop_it_and_can_be_taken_over(place: Path) -> None:
    assert publish(place).exit_code == 0
    shutil.copytree(place / "site", place / "theirs", ignore=shutil.ignore_patterns(".lock"))
    add(place, NEXT, site="theirs")
    assert publish(place, site="theirs").exit_code == 0
    published = tree(dest(place))
    done = publish(place)
    assert "somebody else published" in str(done.exception)
    assert f"add {NEXT}" in str(done.exception)
    assert "take them over first" in str(done.exception)
    assert tree(dest(place)) == published
    # What the error says, done: the other way round.
    taken = builder(place, "publish", "folder", place / "site", "--site", dest(place))
    assert taken.exit_code == 0, taken.output
    add(place, OTHER)
    assert publish(place).exit_code == 0
    complete(place)
    assert (dest(place) / "files" / NEXT).is_file()


def test_two_that_went_different_ways(place: Path) -> None:
    assert publish(place).exit_code == 0
    shutil.copytree(place / "site", place / "theirs", ignore=shutil.ignore_patterns(".lock"))
    add(place, NEXT, site="theirs")
    assert publish(place, site="theirs").exit_code == 0
    add(place, OTHER)
    done = publish(place)
    assert "into a new folder" in str(done.exception)
    assert (dest(place) / "files" / NEXT).is_file()
    assert not (dest(place) / "files" / OTHER).exists()


def test_removed_wheels_go_and_named_ones_stay(place: Path) -> None:
    add(place, NEXT, OTHER)
    assert publish(place).exit_code == 0
    (dest(place) / "notes.txt").write_text("mine")
    guard = "tiny_gpu-1.1+cu124.tar.gz"
    gone = builder(place, "index", "remove", place / "site", OTHER, guard, "--reason", "withdrawn")
    assert gone.exit_code == 0, gone.output
    told = json.loads(publish(place, "--dry-run", "--json").stdout)
    assert f"files/{OTHER}" in told["deleted"]
    assert (dest(place) / "files" / OTHER).is_file()
    assert publish(place).exit_code == 0
    assert not (dest(place) / "cu124/tiny-gpu").exists()
    assert tree(dest(place)) == {**tree(place / "site"), "notes.txt": b"mine"}
    assert (dest(place) / "notes.txt").read_text() == "mine"
    assert (dest(place) / "files" / NEXT).is_file()
    assert not check_site(dest(place)).findings


def test_a_wheel_that_the_site_lost_is_not_taken_from_the_drive(place: Path) -> None:
    assert publish(place).exit_code == 0
    (place / "site/files" / GPU).unlink()
    published = tree(dest(place))
    done = publish(place)
    assert "is not there as the ledger has it" in str(done.exception)
    assert tree(dest(place)) == published


def test_a_damaged_copy_is_mended(place: Path) -> None:
    assert publish(place).exit_code == 0
    (dest(place) / "files" / GPU).write_bytes(b"cut off")
    (dest(place) / "cu118/index.html").write_bytes(b"cut off")
    done = publish(place)
    assert done.exit_code == 0
    assert "(mend)" in done.output
    complete(place)


def test_strange_files_are_not_overwritten(place: Path) -> None:
    dest(place).mkdir()
    (dest(place) / "index.html").write_text("my home page")
    (dest(place) / "files").mkdir()
    (dest(place) / "files" / GPU).write_text("who knows")
    done = publish(place)
    assert "2 files cannot be published; nothing was changed" in str(done.exception)
    assert (dest(place) / "index.html").read_text() == "my home page"
    assert not (dest(place) / "ledger.jsonl").exists()


def test_a_drive_that_is_not_mounted_is_not_made_up(place: Path) -> None:
    done = publish(place, dest="nowhere/my wheels")
    assert "is the drive mounted there?" in str(done.exception)
    assert not (place / "nowhere").exists()


@pytest.mark.parametrize("inside", ["site/copy", "site", "."])
def test_folders_in_each_other_are_refused(place: Path, inside: str) -> None:
    done = publish(place, dest=inside)
    assert "lie in each other" in str(done.exception)


def test_a_damaged_ledger_there_is_named(place: Path) -> None:
    assert publish(place).exit_code == 0
    path = dest(place) / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"tiny_gpu", b"tiny_cpu"))
    assert "ledger line" in str(publish(place).exception)
    path.unlink()
    assert "once had" in str(publish(place).exception)


def test_a_ledger_there_that_was_broken_off_behind_its_head_is_followed(place: Path) -> None:
    assert publish(place).exit_code == 0
    old = (dest(place) / "ledger.head.json").read_bytes()
    add(place, NEXT)
    assert publish(place).exit_code == 0
    (dest(place) / "ledger.head.json").write_bytes(old)  # a kill between the two
    assert Head.parse(old).count < Head.parse((place / "site/ledger.head.json").read_bytes()).count
    assert publish(place).exit_code == 0
    complete(place)


def test_wheels_beside_the_site_are_refused(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    tiny_wheel(tmp_path / "dist", GPU)
    done = builder(
        tmp_path,
        *("index", "add", tmp_path / "dist" / GPU, "--site", tmp_path / "site"),
        *("--files-dir", tmp_path / "wheels"),
    )
    assert done.exit_code == 0, done.output
    assert "it lies beside the site" in str(publish(tmp_path).exception)


def test_a_drive_that_fills_up_says_so_and_keeps_what_was_there(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publish(place).exit_code == 0
    published = tree(dest(place))
    add(place, NEXT)
    real = os.fsync

    def full(descriptor: int) -> None:
        if NEXT in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    done = publish(place)
    assert "No space left on device" in str(done.exception)
    assert "is the drive there, with room on it?" in str(done.exception)
    monkeypatch.undo()
    assert tree(dest(place)) == published
    assert publish(place).exit_code == 0
    complete(place)


@pytest.mark.parametrize("name", ["pip 24.1.2", "uv"])
def test_installers_install_from_the_copy(place: Path, name: str) -> None:
    assert publish(place).exit_code == 0
    client = make_client(name, place / "client")
    (place / "target").mkdir()
    only = "--default-index" if client.is_uv else "--index-url"
    with Server(dest(place)) as server:
        done = client.run(
            *("install", "--target", place / "target/lib", only, f"{server.url}/cu118"),
            "tiny-gpu==1.0+cu118",
            cwd=place,
        )
    assert done.returncode == 0, done.stdout
    assert (place / "target/lib/tiny_gpu.py").read_text() == "WHOSE = '1.0+cu118'\n"
