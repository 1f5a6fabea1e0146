"""Work on many projects shared out to several processes."""

from __future__ import annotations

import mmap
import multiprocessing
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from index.errors import SiteError

_BIG = 30 * 1024 * 1024
"""Bytes; glibc learns up to 32 MiB."""
_DESK = 8 * 1024 * 1024
"""Bytes of memory that a worker shares with who gave it work; only what is used takes any."""
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


def share_out(
    tasks: Iterable[_Task], work: Callable[[_Task], _Result], *, workers: int
) -> Iterator[_Result]:
    """The result of each task, in the tasks' order; each worker has one task at a time.

    The workers are forked: ``work`` needs no pickling, what it takes and returns does. They must
    not use the database connection of the process that forked them.

    Raises:
        Exception: what ``work`` raised; no more tasks are taken then.
        SiteError: a worker was killed.
    """
    _keep_freed_memory()
    context = multiprocessing.get_context("fork")
    crew: dict[Connection, BaseProcess] = {}
    desks: dict[Connection, mmap.mmap] = {}
    source = enumerate(tasks)
    early: dict[int, _Result] = {}
    next_one = 0
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            desks[ours] = desk = mmap.mmap(-1, _DESK)
            # A worker that held the other ends open would outlive its killed parent.
            process: BaseProcess = context.Process(
                target=_serve, args=(theirs, desk, [ours, *crew], work)
            )
            process.start()
            theirs.close()
            crew[ours] = process
        busy = {connection for connection in crew if _send_next(connection, source)}
        while busy:
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                # Taken off the desk before the next task is handed out.
                number, result, error = _received(connection, desks[connection])
                if error is not None:
                    raise error
                if not _send_next(connection, source):
                    busy.remove(connection)
                early[number] = result
                while next_one in early:
                    yield early.pop(next_one)
                    next_one += 1
    finally:
        for connection, process in crew.items():
            connection.close()  # a worker that waits for a task ends here
            process.join()


def _keep_freed_memory() -> None:
    """Let this process and those it forks use freed memory again, and not hand it back at once.

    Work comes by the megabyte. After each, glibc would give that memory to the kernel, which clears
    it page by page when it is asked for again. What is freed in one piece teaches it what is big:
    up to twice as much it keeps. The piece is never touched, so it costs no memory itself.
    """
    bytes(_BIG)


def _received(connection: Connection, desk: mmap.mmap) -> tuple[int, Any, Exception | None]:
    try:
        number, told = connection.recv()
        # What passes through a pipe is copied four times, and by the piece.
        result, error = pickle.loads(desk if told is None else told)  # noqa: S301 -- our own
    except EOFError as error:
        raise SiteError(
            "a process that was writing pages was killed",
            remedy="run the command again: it goes on where this one stopped",
        ) from error
    return number, result, error


def _send_next(connection: Connection, tasks: Iterator[object]) -> bool:
    for task in tasks:
        connection.send(task)
        return True
    return False


def _serve(
    connection: Connection,
    desk: mmap.mmap,
    others: Iterable[Connection],
    work: Callable[[_Task], _Result],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    while True:
        try:
            number, task = connection.recv()
        except (EOFError, OSError):
            return
        answer = _answer(work, task)
        try:
            connection.send((number, None if _put(desk, answer) else pickle.dumps(answer)))
        except OSError:
            return


def _put(desk: mmap.mmap, answer: object) -> bool:
    """Lay an answer on the desk, where it is not too large."""
    desk.seek(0)
    try:
        pickle.dump(answer, desk, pickle.HIGHEST_PROTOCOL)
    except ValueError:
        return False
    return True


def _answer(
    work: Callable[[_Task], _Result], task: _Task
) -> tuple[_Result | None, Exception | None]:
    try:
        return work(task), None
    except Exception as error:
        return None, error
