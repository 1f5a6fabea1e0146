import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.build import pipeline, stages
from builder.build.pipeline import Order, Workshop, build, work_folder, work_name
from builder.disk import delete_folder
from builder.errors import CompileError, MachineError
from builder.paths import Cache, report_path
from builder.plan.spec import BuildSpec
from builder.sandbox import NOTHING
from builder.sandbox.capability import LADDER
from builder.store import Store
from builder.ui import Silent
from index.records import Record, read_record, record_path

Make = Callable[..., BuildSpec]
NAME = "hello-1.0+cu118-3-py3-none-manylinux_2_28_x86_64.whl"


class Said(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(
        cache=Cache(root=tmp_path / "cache"),
        dist=tmp_path / "dist",
        capability=NOTHING,
        reporter=Said(),
    )


@pytest.fixture
def order(spec: Make, recipe: Path) -> Order:
    return Order(spec=spec(), recipe=recipe, max_size=None)


def record_of(spec: BuildSpec, data: bytes) -> Record:
    return Record(
        filename=NAME,
        name="hello",
        version="1.0+cu118",
        tags=("py3-none-any",),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        metadata="",
        metadata_sha256="0" * 64,
        build_key=spec.key,
    )


def empty(spec: BuildSpec, work: Path, name: str) -> tuple[Path, Record]:
    """A companion and its record."""
    wheel = work / f"{name}-0.9+cu118-3-py3-none-any.whl"
    wheel.write_bytes(name.encode())
    changes = {
        "filename": wheel.name,
        "name": name,
        "version": "0.9+cu118",
        "companion_of": "hello",
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "size": len(name),
    }
    return wheel, record_of(spec, b"").model_copy(update=changes)


class FakeStages:
    """What the stages leave, without a compiler."""

    calls: list[str]
    names: tuple[str, ...] = ()
    fail: str | None = None

    def __init__(self, *, order: Order, shop: Workshop, work: Path) -> None:
        self.order, self.work = order, work

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def stage(*arguments: Any) -> Any:
            FakeStages.calls.append(name)
            if name == FakeStages.fail:
                (self.work / "half").write_text("made")
                raise CompileError("no")
            wheel = self.work / NAME
            if name == "repair":
                wheel.write_bytes(b"wheel")
                return wheel
            if name == "record":
                return record_of(self.order.spec, b"wheel")
            if name == "companions":
                return tuple(empty(self.order.spec, self.work, one) for one in FakeStages.names)
            return {"fetch": ({}, ()), "facts": {"steps": 1}}.get(name)

        return stage


@pytest.fixture(autouse=True)
def _stages(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeStages.calls, FakeStages.fail, FakeStages.names = [], None, ()
    monkeypatch.setattr(stages, "Stages", FakeStages)


def test_every_stage_in_order_then_the_store_then_dist(order: Order, shop: Workshop) -> None:
    done = build(order, shop)
    assert FakeStages.calls == [
        *("toolchain", "fetch", "render", "compile", "repair", "check", "record"),
        *("companions", "facts"),
    ]
    assert done.fresh
    assert done.facts == {"steps": 1}
    assert done.wheel == shop.dist / NAME
    assert done.wheel.read_bytes() == b"wheel"
    assert record_path(done.wheel).is_file()
    assert not list(shop.cache.work.iterdir())
    measured = [one["stage"] for one in shop.timings.stages]
    assert measured == ["toolchain", "fetch", "render", "compile", "repair", "check", "store"]


def test_what_is_in_the_store_is_not_built(order: Order, shop: Workshop) -> None:
    build(order, shop)
    FakeStages.calls = []
    before = (shop.dist / NAME).stat().st_mtime_ns
    again = build(order, shop)
    assert FakeStages.calls == []
    assert not again.fresh
    assert (shop.dist / NAME).stat().st_mtime_ns == before, "nothing to do writes nothing"


def test_companions_go_the_same_way(order: Order, shop: Workshop) -> None:
    FakeStages.names = ("one", "two")
    names = [f"{name}-0.9+cu118-3-py3-none-any.whl" for name in FakeStages.names]
    for fresh in (True, False):
        done = build(order, shop)
        assert done.fresh is fresh
        assert [path.name for path in done.companions] == names
        for path in done.companions:
            assert path.parent == shop.dist
            assert read_record(record_path(path)).companion_of == "hello"
            path.unlink()
    build(order, shop)
    before = [(shop.dist / name).stat().st_mtime_ns for name in names]
    build(order, shop)
    assert [(shop.dist / name).stat().st_mtime_ns for name in names] == before


def test_another_build_of_that_name_in_dist_is_replaced(order: Order, shop: Workshop) -> None:
    shop.dist.mkdir()
    (shop.dist / NAME).write_bytes(b"other")
    (shop.dist / f"{NAME}.verify.cp310.json").write_text("{}")
    assert build(order, shop).wheel.read_bytes() == b"wheel"
    assert not (shop.dist / f"{NAME}.verify.cp310.json").exists(), "it was about the other wheel"


def test_reports_in_the_store_come_along(order: Order, shop: Workshop) -> None:
    build(order, shop)
    stored = Store(shop.cache.store).get(order.spec.key)
    assert stored is not None
    report_path(stored.wheel, "3.10").write_text("{}")
    os.utime(report_path(stored.wheel, "3.10"), (1000, 1000))
    (shop.dist / NAME).unlink()
    build(order, shop)
    assert (shop.dist / f"{NAME}.verify.cp310.json").read_text() == "{}"
    assert (shop.dist / f"{NAME}.verify.cp310.json").stat().st_mtime == 1000, "its age counts"


@pytest.mark.parametrize("fail", ["toolchain", "fetch", "render", "compile", "repair", "check"])
def test_a_failed_stage_leaves_nothing(order: Order, shop: Workshop, fail: str) -> None:
    FakeStages.fail = fail
    with pytest.raises(CompileError):
        build(order, shop)
    assert not list(shop.cache.work.iterdir())
    assert Store(shop.cache.store).keys() == ()
    assert not shop.dist.exists()
    FakeStages.fail = None
    assert build(order, shop).fresh


def test_a_failed_builds_folder_is_kept_when_asked(order: Order, tmp_path: Path) -> None:
    said = Said()
    shop = Workshop(
        cache=Cache(root=tmp_path / "cache"),
        dist=tmp_path / "dist",
        capability=NOTHING,
        reporter=said,
        keep_work=True,
    )
    FakeStages.fail = "compile"
    with pytest.raises(CompileError):
        build(order, shop)
    work = shop.cache.work / "work-hello-cu118"
    assert (work / "half").exists()
    assert any(str(work) in line for line in said.lines)


def test_what_a_dead_builder_left_is_gone(shop: Workshop) -> None:
    left = shop.cache.work / "k" / "project"
    left.mkdir(parents=True)
    (left / "old").write_text("x")
    with work_folder(shop, "k") as work:
        assert list(work.iterdir()) == []


def test_a_keyboard_interrupt_clears_up_even_with_keep_work(shop: Workshop) -> None:
    with pytest.raises(KeyboardInterrupt), work_folder(shop, "k") as work:
        (work / "x").write_text("x")
        raise KeyboardInterrupt
    assert not (shop.cache.work / "k").exists()


def test_clear_goes_through_read_only_folders_and_not_through_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "kept").write_text("x")
    outside.chmod(0o500)
    folder = tmp_path / "work" / "deep"
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")
    (folder / "link").symlink_to(outside)
    folder.chmod(0o500)
    delete_folder(tmp_path / "work")
    assert not (tmp_path / "work").exists()
    assert (outside / "kept").exists()
    assert outside.stat().st_mode & 0o777 == 0o500
    outside.chmod(0o700)


def test_a_lock_held_by_another_builder_is_waited_for(
    order: Order, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other builder finishes while we wait: its wheel is taken, nothing is compiled."""
    first = build(order, shop)
    wheel, record = first.wheel.read_bytes(), record_path(first.wheel).read_bytes()
    shutil.rmtree(shop.cache.store / order.spec.key)
    FakeStages.calls = []

    class Held(pipeline.FileLock):
        waited = False

        def acquire(self, timeout: float | None = None, **rest: Any) -> Any:
            if timeout == 0 and "build-" in self.lock_file:
                raise pipeline.Timeout(str(self.lock_file))
            if timeout != 0:
                folder = shop.cache.store / order.spec.key
                folder.mkdir(parents=True)
                (folder / NAME).write_bytes(wheel)
                record_path(folder / NAME).write_bytes(record)
            return super().acquire(timeout, **rest)

    monkeypatch.setattr(pipeline, "FileLock", Held)
    done = build(order, shop)
    assert not done.fresh
    assert FakeStages.calls == []
    assert isinstance(shop.reporter, Said)
    assert any("another builder" in line for line in shop.reporter.lines)
    assert done.wheel.parent == shop.dist


def test_the_work_folder_is_the_same_for_every_key_where_paths_are_real(spec: Make) -> None:
    one, two = spec(), spec(profile="quick")
    assert work_name(one, NOTHING) == work_name(two, NOTHING) == "work-hello-cu118"
    assert work_name(one, LADDER[0]) != work_name(two, LADDER[0])


def test_a_full_disk_is_no_traceback(
    order: Order, shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **rest: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/x.whl")

    monkeypatch.setattr(pipeline, "copy_file", full)
    with pytest.raises(MachineError, match=r"the disk is full: .*x\.whl") as caught:
        build(order, shop)
    assert "cache prune" in (caught.value.remedy or "")
    monkeypatch.setattr(pipeline, "copy_file", lambda *a: (_ for _ in ()).throw(OSError(5, "bad")))
    with pytest.raises(OSError, match="bad"):
        build(order, shop)
