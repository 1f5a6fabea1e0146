from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from builder.cache import contents, exclusive, in_use, leftovers, measure, remove, whole
from builder.cli.main import cli
from builder.errors import MachineError
from builder.paths import Cache
from builder.ui import Silent


def filled(root: Path) -> Cache:
    cache = Cache(root=root)
    for name in (
        "work/abc/build/x.o",
        "environments/tmp-1/bin/python",
        "environments/.tmp-0.removed/bin/python",
        "store/.key.xy.part/x.whl",
        "environments/uv/wheel",
        "toolchains/.cu118-1.xy.part/bin/nvcc",
        "toolchains/cu118-old/bin/nvcc",
        "toolchains/cu118-new/bin/nvcc",
        "store/key/x.whl",
        "downloads/ab/hash/file",
    ):
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 5000)
    return cache


def test_leftovers_are_what_nobody_can_use_again(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    found = {
        r.path.relative_to(tmp_path).as_posix()
        for r in leftovers(cache, current_toolchains=frozenset({"cu118-new"}))
    }
    assert found == {
        "work/abc",
        "environments/tmp-1",
        "environments/.tmp-0.removed",
        "store/.key.xy.part",
        "toolchains/.cu118-1.xy.part",
        "toolchains/cu118-old",
    }


def test_removing_removes_that_and_nothing_else(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    remove(tuple(leftovers(cache, current_toolchains=frozenset({"cu118-new"}))))
    assert sorted(
        p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()
    ) == [
        "downloads/ab/hash/file",
        "environments/uv/wheel",
        "store/key/x.whl",
        "toolchains/cu118-new/bin/nvcc",
    ]
    remove(tuple(whole(cache, ("store", "downloads"))))
    assert not any((tmp_path / "store").iterdir())
    assert not any((tmp_path / "downloads").iterdir())


def test_hard_links_count_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 40960)
    os.link(tmp_path / "a", tmp_path / "b")
    size, files = measure(tmp_path)
    assert files == 2
    assert 40960 <= size < 2 * 40960


def test_every_part_is_listed_even_when_the_cache_is_empty(tmp_path: Path) -> None:
    assert {part.size for part in contents(Cache(root=tmp_path / "none"))} == {0}


def test_nobody_prunes_while_a_builder_works(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    ask = (
        "from pathlib import Path\nfrom builder.cache import exclusive\n"
        "from builder.paths import Cache\n"
        f"with exclusive(Cache(root=Path({str(tmp_path)!r}))) : print('mine')"
    )

    def elsewhere() -> str:
        done = subprocess.run(
            [sys.executable, "-c", ask], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() or done.stderr

    with in_use(cache, Silent()), in_use(cache, Silent()):
        assert "MachineError: a builder is at work on" in elsewhere()
    assert elsewhere() == "mine"


@pytest.mark.parametrize("command", [["cache", "prune"], ["toolchain", "remove", "cu118"]])
def test_nothing_is_removed_from_under_a_builder(tmp_path: Path, command: list[str]) -> None:
    cache = filled(tmp_path)
    arguments = ["--cache-dir", str(tmp_path), *command]
    with in_use(cache, Silent()):
        done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(done.exception, MachineError)
    assert "a builder is at work" in str(done.exception)
    assert (tmp_path / "toolchains/cu118-old").is_dir()
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None
    assert not (tmp_path / "toolchains/cu118-old").exists()


@pytest.mark.parametrize("where", ["theirs", "disk"])
@pytest.mark.parametrize("command", [["cache", "prune"], ["toolchain", "remove", "cu118"]])
def test_toolchains_behind_a_link_are_guarded_for_every_cache_that_has_them(
    tmp_path: Path, command: list[str], where: str
) -> None:
    theirs = filled(tmp_path / "theirs")
    if where == "disk":  # which is no cache, and has no locks
        (tmp_path / "disk").mkdir()
        theirs.toolchains.rename(tmp_path / "disk/toolchains")
        theirs.toolchains.symlink_to(tmp_path / "disk/toolchains")
    mine = Cache(root=tmp_path / "mine")
    mine.root.mkdir()
    mine.toolchains.symlink_to(tmp_path / where / "toolchains")
    for at_work, asking in ((theirs, mine), (mine, theirs)):
        arguments = ["--cache-dir", str(asking.root), *command]
        with in_use(at_work, Silent()):
            done = CliRunner().invoke(cli, arguments, standalone_mode=False)
        assert isinstance(done.exception, MachineError)
        assert f"a builder is at work on {tmp_path / where / 'toolchains'}" in str(done.exception)
        assert (theirs.toolchains / "cu118-old").is_dir()
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None
    assert not (mine.toolchains / "cu118-old").exists()


def test_toolchains_on_a_disk_that_is_away_keep_nobody_from_pruning(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path / "cache")
    (cache.work / "abc").mkdir(parents=True)
    cache.toolchains.symlink_to(tmp_path / "away/toolchains")
    arguments = ["--cache-dir", str(cache.root), "cache", "prune"]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert done.exception is None
    assert not list(cache.work.iterdir())
    assert not (tmp_path / "away").exists()


def test_a_builder_says_that_it_waits_for_a_prune(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    program = (
        "from pathlib import Path\nfrom builder.cache import in_use\n"
        "from builder.paths import Cache\nfrom builder.ui import Plain\n"
        f"with in_use(Cache(root=Path({str(tmp_path)!r})), Plain()): pass"
    )
    with exclusive(cache):
        child = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
        assert child.stderr is not None
        assert "something is being removed" in child.stderr.readline()
    assert child.wait(240) == 0
    child.stderr.close()


def test_a_prune_that_was_cut_short_is_gone_on_with(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    left = tmp_path / "work/.abc.removed/sealed"
    left.mkdir(parents=True)
    (left / "file").touch()
    left.chmod(0o500)
    (removal,) = (
        one for one in leftovers(cache, current_toolchains=frozenset()) if one.path.name == "abc"
    )
    remove((removal,))
    assert not list((tmp_path / "work").iterdir())


def test_a_removal_that_was_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    cache = Cache(root=tmp_path)
    for part in (cache.downloads, cache.compile, cache.logs):
        (part / ".ab.removed" / "hash").mkdir(parents=True)
        (part / "cd").mkdir()
    found = tuple(leftovers(cache, current_toolchains=frozenset()))
    assert {removal.path.name for removal in found} == {".ab.removed"}
    remove(found)
    for part in (cache.downloads, cache.compile, cache.logs):
        assert [path.name for path in part.iterdir()] == ["cd"]
