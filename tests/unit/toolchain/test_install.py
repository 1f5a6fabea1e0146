from __future__ import annotations

import errno
import importlib
import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder.errors import MachineError, ToolchainError
from builder.paths import Cache
from builder.toolchain.cost import cost
from builder.toolchain.install import (
    artifacts,
    current_names,
    install,
    installed,
    locked,
    prefix_path,
    remove,
    sizes,
)
from builder.toolchain.pins import Pins
from builder.ui import Silent

module = importlib.import_module("builder.toolchain.install")  # the package has its function


class Assembler:
    """Stands in for fetching and unpacking: writes the files the pins check for."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.before: Callable[[Path], None] = lambda folder: None

    def __call__(self, pins: Pins, prefix: Path, *, final: Path, **_: Any) -> None:
        (prefix / "half").write_text("")
        self.before(prefix)
        self.made.append(final.name)
        for name in pins.check:
            (prefix / name).parent.mkdir(parents=True, exist_ok=True)
            (prefix / name).write_text("")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(root=tmp_path / "cache")


@pytest.fixture
def assembler(monkeypatch: pytest.MonkeyPatch) -> Assembler:
    made = Assembler()
    monkeypatch.setattr(module, "assemble", made)
    return made


def get(label: str, cache: Cache, data: Path) -> Any:
    return install(label, cache=cache, reporter=Silent(), data=data)


def test_host_and_cuda_are_installed_once(assembler: Assembler, cache: Cache, data: Path) -> None:
    assert installed("cu118", cache, data=data) is None
    first = get("cu118", cache, data)
    assert get("cu118", cache, data) == first == installed("cu118", cache, data=data)
    assert assembler.made == [first.host.name, first.cuda.name]
    second = get("cu124", cache, data)
    assert second.host == first.host
    assert assembler.made[2:] == [second.cuda.name]


def test_a_failure_leaves_nothing(assembler: Assembler, cache: Cache, data: Path) -> None:
    def fail(_: Path) -> None:
        raise ToolchainError("no")

    assembler.before = fail
    with pytest.raises(ToolchainError):
        get("cu118", cache, data)
    assert list(cache.toolchains.iterdir()) == []
    assembler.before = lambda folder: None
    assert get("cu118", cache, data).cuda.is_dir()


def test_what_a_killed_builder_left_is_cleared_away(
    assembler: Assembler, cache: Cache, data: Path
) -> None:
    prefix = prefix_path("host", cache, data=data)
    left = prefix.with_name(f".{prefix.name}.abc.part")
    other = prefix.with_name(".cu999-aaa.abc.part")
    for folder in (left, other):
        folder.mkdir(parents=True)
    get("cu118", cache, data)
    assert not left.exists()
    assert other.exists(), "another builder may be at work on it"


def test_a_prefix_lacking_a_checked_file_is_made_again(
    assembler: Assembler, cache: Cache, data: Path
) -> None:
    found = get("cu118", cache, data)
    (found.cuda / "bin/nvcc").unlink()
    assert installed("cu118", cache, data=data) is None
    get("cu118", cache, data)
    assert assembler.made == [found.host.name, found.cuda.name, found.cuda.name]


def test_a_full_disk_is_said_and_leaves_nothing(
    assembler: Assembler, cache: Cache, data: Path
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    assembler.before = full
    with pytest.raises(MachineError, match="no space left"):
        get("cu118", cache, data)
    assert list(cache.toolchains.iterdir()) == []


def test_what_cannot_fit_is_not_begun(
    assembler: Assembler, cache: Cache, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(MachineError, match="no space left"):
        get("cu118", cache, data)
    assert assembler.made == []


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"digest": 1}'])
def test_a_damaged_state_file_is_no_toolchain(
    assembler: Assembler, cache: Cache, data: Path, state: str
) -> None:
    (get("cu118", cache, data).host / "toolchain.json").write_text(state)
    assert installed("cu118", cache, data=data) is None


def test_a_moved_cache_is_noticed(
    assembler: Assembler, cache: Cache, data: Path, tmp_path: Path
) -> None:
    get("cu118", cache, data)
    cache.root.rename(tmp_path / "moved")
    moved = Cache(root=tmp_path / "moved")
    assert installed("cu118", moved, data=data) is None
    again = get("cu118", moved, data)
    assert json.loads((again.host / "toolchain.json").read_text())["prefix"] == str(again.host)
    assert len(assembler.made) == 4


def test_packages_without_a_promised_file_are_refused(
    assembler: Assembler, cache: Cache, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "assemble", lambda *args, **kwargs: None)
    with pytest.raises(ToolchainError, match="bin/cc"):
        get("cu118", cache, data)
    assert list(cache.toolchains.iterdir()) == []


def test_two_at_once_make_it_once(assembler: Assembler, cache: Cache, data: Path) -> None:
    meet = threading.Barrier(2)
    first = threading.Event()

    def slow(_: Path) -> None:
        first.set()
        threading.Event().wait(0.2)

    assembler.before = slow
    results: list[Any] = []

    def one() -> None:
        meet.wait()
        results.append(get("cu118", cache, data))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1]
    assert len(assembler.made) == 2


def test_remove_takes_every_prefix_of_a_label_and_no_other(
    assembler: Assembler, cache: Cache, data: Path
) -> None:
    found = get("cu118", cache, data)
    old = cache.toolchains / "cu118-000000000000"
    old.mkdir()
    assert remove("cu118", cache=cache, reporter=Silent()) == tuple(sorted((found.cuda, old)))
    assert [path.name for path in cache.toolchains.iterdir()] == [found.host.name]
    assert remove("cu118", cache=cache, reporter=Silent()) == ()


def test_waiting_for_another_builder_is_said(cache: Cache) -> None:
    held, done = threading.Event(), threading.Event()

    class Heard(Silent):
        lines: tuple[str, ...] = ()

        def say(self, text: str) -> None:
            self.lines += (text,)
            done.set()

    heard = Heard()

    def hold() -> None:
        with locked("host-1", cache, reporter=Silent()):
            held.set()
            done.wait(240)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(240)
    with locked("host-1", cache, reporter=heard):
        assert done.is_set()
    thread.join()
    assert heard.lines == ("waiting for another builder that installs host-1",)


def test_artifacts_are_the_hosts_and_cudas_own(data: Path) -> None:
    names = [artifact.filename for artifact in artifacts("cu118", data=data)]
    assert names == ["tool-1.0-py3-none-any.whl", "nvcc_1_amd64.deb"]
    assert artifacts("cu126", data=data)[-1].source.endswith("redistrib_12.6.3.json")


def test_sizes_and_what_is_still_to_come(assembler: Assembler, cache: Cache, data: Path) -> None:
    assert (sizes("cu118", data=data).download, sizes("cu118", data=data).installed) == (100, 200)
    before = cost("cu118", cache, data=data)
    assert (before.files, before.download, before.disk) == (2, 110, 220)
    assert not before.estimated
    get("cu124", cache, data)
    assert cost("cu118", cache, data=data).disk == 200
    assert cost("cu124", cache, data=data).files == 0
    assert cost("cu126", cache, data=data).estimated


def test_current_names_are_all_prefixes_of_today(data: Path, cache: Cache) -> None:
    names = {
        prefix_path(name, cache, data=data).name for name in ("host", "cu118", "cu124", "cu126")
    }
    assert current_names(data=data) == names


def test_a_folder_that_is_a_link_to_another_caches_is_that_one(
    assembler: Assembler, cache: Cache, data: Path, tmp_path: Path
) -> None:
    other = get("cu118", cache, data)
    mine = Cache(root=tmp_path / "mine")
    mine.root.mkdir()
    mine.toolchains.symlink_to(cache.toolchains)
    assert installed("cu118", mine, data=data) == other
    assert get("cu118", mine, data) == other
    assert len(assembler.made) == 2, "it was made again"
    with locked("cu118-1", mine, reporter=Silent()):
        assert (cache.locks / "toolchain-cu118-1.lock").exists()
