"""Work shared out to processes: all of it is done, errors come back, and nobody is left over."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.batches import spread
from index.errors import EntryError, SiteError
from index.records import Record, dump_record
from index.site.add import build_folder, build_records
from index.site.crew import share_out
from index.site.finish import finish
from index.site.placing import Placing
from index.site.site import open_site

TIME = "2026-11-21T09:30:00Z"


def test_every_task_is_done_by_some_worker() -> None:
    def work(task: int) -> tuple[int, int]:
        time.sleep(task % 7 / 1000)
        return task, os.getpid()

    results = dict(share_out(range(100), work, workers=3))
    assert list(results) == list(range(100))  # in their order, whoever was first
    assert os.getpid() not in results.values()
    assert not multiprocessing.active_children()


def test_fewer_tasks_than_workers() -> None:
    assert list(share_out([4], lambda task: task + 1, workers=3)) == [5]
    assert list(share_out([], str, workers=3)) == []
    assert not multiprocessing.active_children()


def test_the_first_tasks_are_done_here_and_the_rest_by_others() -> None:
    def work(task: int) -> tuple[int, int]:
        return task, os.getpid()

    assert list(spread(iter(range(3)), work, alone=3)) == [(n, os.getpid()) for n in range(3)]
    results = list(spread(iter(range(40)), work, alone=3))
    assert [task for task, _ in results] == list(range(40))
    others = {pid for _, pid in results[3:]}
    assert (os.getpid() in others) == (len(os.sched_getaffinity(0)) == 1)
    assert not multiprocessing.active_children()


def test_a_folder_read_by_many_names_all_that_is_wrong(
    tmp_path: Path, make_record: Callable[..., Record]
) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    for number in range(100):
        record = make_record(f"a-{number}+cu118-py3-none-any.whl")
        text = dump_record(record) if number not in (3, 50, 98) else "{}"
        (dist / f"{record.filename}.json").write_text(text)
    place = Placing(folder=None, address="https://h/w", uploaded=TIME)
    with open_site(tmp_path / "site", tmp_path / "cache") as site:
        with pytest.raises(EntryError, match="3 files are not as the index needs them") as caught:
            build_folder(site, dist, place)
        told = str(caught.value)
        assert [f"a-{number}+cu118-py3" in told for number in (3, 4, 98)] == [True, False, True]
        assert site.state.count() == 0
        for number in (3, 50, 98):
            record = make_record(f"a-{number}+cu118-py3-none-any.whl")
            (dist / f"{record.filename}.json").write_text(dump_record(record))
        assert build_folder(site, dist, place).count == 100
        assert build_folder(site, dist, place).same == 100
    assert not multiprocessing.active_children()


def test_an_error_comes_back_whole_and_ends_it() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for task in range(1000):
            taken.append(task)
            yield task

    def work(task: int) -> int:
        if task == 5:
            raise EntryError("wrong", remedy="right it")
        time.sleep(0.05)  # the other worker goes on until the error has come through
        return task

    with pytest.raises(EntryError) as caught:
        list(share_out(tasks(), work, workers=2))
    assert (caught.value.message, caught.value.remedy) == ("wrong", "right it")
    assert len(taken) < 500
    assert not multiprocessing.active_children()


def test_an_error_of_the_caller_ends_the_workers() -> None:
    def give_up() -> None:
        for _ in share_out(range(100), lambda task: task, workers=2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up()
    assert not multiprocessing.active_children()


def test_a_killed_worker_is_told() -> None:
    with pytest.raises(SiteError, match="killed"):
        list(share_out(range(10), lambda task: os.kill(os.getpid(), 9), workers=2))
    assert not multiprocessing.active_children()


def test_big_tasks_and_answers_do_not_block_each_other() -> None:
    size = 1_000_000
    results = share_out((b"x" * size for _ in range(6)), lambda task: task * 2, workers=2)
    assert [len(result) for result in results] == [2 * size] * 6


@pytest.mark.parametrize("size", [10, 3_000, 5_000])
def test_answers_are_whole_on_the_desk_and_beside_it(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.site.crew._DESK", 4096)
    results = share_out(range(60), lambda task: bytes([task]) * (size + task), workers=2)
    assert list(results) == [bytes([task]) * (size + task) for task in range(60)]


def test_workers_end_when_their_parent_is_killed() -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        os.close(reader)  # the workers hold the other end: it closes when the last one ends
        for _ in share_out(range(10**9), lambda task: task, workers=2):
            os.write(writer, b"x")
        os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b"x"
    os.kill(parent, 9)
    os.waitpid(parent, 0)
    while os.read(reader, 1 << 16):
        pass  # what was written before; the end comes when no worker outlives its parent
    os.close(reader)


@pytest.mark.parametrize("served", ["py3-none-any", "cp312-cp312-linux_x86_64"])
def test_pages_and_guards_are_the_same_by_one_process_and_by_many(
    make_record: Callable[..., Record],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    served: str,
) -> None:
    names = [
        f"p{number}-{version}+cu118-1-{served}.whl" for number in range(70) for version in (1, 2)
    ]
    lines = [dump_record(make_record(name)).encode() for name in names]
    trees = []
    for processes in (1, 3):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, count=processes: set(range(count)))
        folder = tmp_path / str(processes)
        with open_site(folder, tmp_path / f"cache-{processes}") as site:
            build_records(
                site, lines, Placing(folder=None, address="https://x.example", uploaded=TIME)
            )
            written = finish(site, uploaded=TIME)
        files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
        assert len(written.pages) == len(set(written.pages))
        assert written.pages == sorted(written.pages)
        trees.append((written, {path: file.read_bytes() for path, file in sorted(files.items())}))
    assert trees[0] == trees[1]
    guards = [path for path in trees[0][1] if path.name.endswith(".tar.gz")]
    assert len(guards) == (140 if served == "py3-none-any" else 0)
