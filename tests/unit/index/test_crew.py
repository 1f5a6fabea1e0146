"""Work shared out to processes: all of it is done, errors come back, and nobody is left over."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator

import pytest

from index.errors import EntryError
from index.site.crew import share_out


def test_every_task_is_done_by_some_worker() -> None:
    results = dict(share_out(range(100), lambda task: (task, os.getpid()), workers=3))
    assert sorted(results) == list(range(100))
    assert os.getpid() not in results.values()
    assert not multiprocessing.active_children()


def test_fewer_tasks_than_workers() -> None:
    assert list(share_out([4], lambda task: task + 1, workers=3)) == [5]
    assert list(share_out([], str, workers=3)) == []
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
        return task

    with pytest.raises(EntryError) as caught:
        list(share_out(tasks(), work, workers=2))
    assert (caught.value.message, caught.value.remedy) == ("wrong", "right it")
    assert len(taken) < 20
    assert not multiprocessing.active_children()


def test_an_error_of_the_caller_ends_the_workers() -> None:
    def give_up() -> None:
        for _ in share_out(range(100), lambda task: task, workers=2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up()
    assert not multiprocessing.active_children()


def test_big_tasks_and_answers_do_not_block_each_other() -> None:
    size = 1_000_000
    results = share_out((b"x" * size for _ in range(6)), lambda task: task * 2, workers=2)
    assert [len(result) for result in results] == [2 * size] * 6


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
    deadline = time.monotonic() + 20
    while os.read(reader, 1 << 16):
        assert time.monotonic() < deadline, "a worker outlives its parent"
    os.close(reader)
