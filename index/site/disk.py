"""The ledger on disk: read from where it was left, appended to, never written over."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from index.batches import batched
from index.errors import LedgerError
from index.files import write_text
from index.ledger import EMPTY, HEAD_NAME, LEDGER_NAME, Head, Line, read_lines, seal_event
from index.ledger.seal import RESTORE, check_seals, parse_plainly
from index.state.state import ALL_PAGES, State
from index.state.view import Taken

if TYPE_CHECKING:
    from index.ledger import AnyEvent
    from index.site.arrivals import Arrivals

_Batch = TypeVar("_Batch")

STAMP = "ledger"
"""The state's note of what the ledger's file looked like when they last agreed."""


def head_on_disk(folder: Path) -> Head | None:
    """The head that lies beside a ledger, where there is one: it is written before the first event.

    Raises:
        LedgerError: the file is no head.
    """
    path = folder / HEAD_NAME
    return Head.parse(path.read_bytes()) if path.is_file() else None


def read_state(folder: Path) -> State:
    """What a site's ledger adds up to, read whole and kept in memory; changes nothing.

    Raises:
        LedgerError: the ledger is broken or shortened.
    """
    path = folder / LEDGER_NAME
    head = head_on_disk(folder)
    if not path.is_file():
        _check_missing(path, head)
        return State.in_memory()
    with path.open("rb") as file:
        return State.of_lines(read_lines(file, reach=head, parse=parse_plainly))


def catch_up(folder: Path, state: State) -> None:
    """Bring a kept state to where the ledger is, reading only what it has not seen.

    A ledger that anybody else touched since has its seals checked again from the start, and all its
    pages are looked at again: they may be as old as the folder they came in.

    Raises:
        LedgerError: the ledger is broken or shortened.
    """
    path, head = folder / LEDGER_NAME, head_on_disk(folder)
    if not path.is_file():
        _check_missing(path, head)
        if state.head != EMPTY:
            state.reset()
    elif state.get(STAMP) != _stamp(path) or state.head != head:
        with path.open("rb") as file:
            if not check_seals(file, state.head, head):
                state.reset()
            state.mark_stale(ALL_PAGES)
            file.seek(state.head.size)
            state.apply_all(read_lines(file, state.head, reach=head, parse=parse_plainly))
    _settle(folder, state, head)


def append(folder: Path, state: State, events: Iterable[AnyEvent], *, checked: bool = False) -> int:
    """Add events to the ledger and to the state: all of them, or none.

    They are refused by the state, or written, some hundreds at a time; the ledger is flushed to
    disk before its head, and the head before the state says so. Until then, what was written lies
    beyond the head: an error takes it back, and after a kill the next reader keeps the lines that
    are whole.

    Args:
        folder: The site.
        state: Its state, caught up.
        events: What happened; an error of theirs undoes it all.
        checked: Whether the records in them passed `check_record` just now.

    Returns:
        How many there were.

    Raises:
        LedgerError: an event does not fit what came before, or another program wrote to the
            ledger meanwhile.
        OSError: the disk is full or broken.
    """

    def step(batch: Sequence[AnyEvent], head: Head) -> tuple[bytes, Head]:
        lines, sealed = _seal(batch, head)
        # The state may still refuse one of them: only then are they written.
        return sealed, state.apply_all(lines, checked=checked)

    return _append(folder, state, batched(events), step)


def append_arrivals(
    folder: Path, state: State, batches: Iterable[tuple[Arrivals, dict[str, Taken]]]
) -> int:
    """As `append`, for wheels that were judged and written out before.

    Args:
        folder: The site.
        state: Its state, caught up.
        batches: Some wheels, and what `State.taken` says of their names just now.
    """
    from index.site.arrivals import seal_arrivals  # only long lists need it

    def step(batch: tuple[Arrivals, dict[str, Taken]], head: Head) -> tuple[bytes, Head]:
        some, there = batch
        sealed, rows, head = seal_arrivals(some, head)
        state.arrive(rows, head, there)
        return sealed, head

    return _append(folder, state, batches, step)


def _append(
    folder: Path,
    state: State,
    batches: Iterable[_Batch],
    step: Callable[[_Batch, Head], tuple[bytes, Head]],
) -> int:
    """Add batches to the ledger, each sealed and taken into the state by ``step``."""
    start, path = state.head, folder / LEDGER_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_untouched(path, state)
    if head_on_disk(folder) is None:
        write_text(folder / HEAD_NAME, start.dump())
    try:
        with _end_of(folder, start) as file:
            head = start
            for batch in batches:
                sealed, head = step(batch, head)
                file.write(sealed)
            if head != start:
                file.flush()
                os.fsync(file.fileno())
                write_text(folder / HEAD_NAME, head.dump())
    except BaseException:
        state.rollback()
        if path.is_file() and path.stat().st_size == start.size:
            state.set(STAMP, _stamp(path))
        raise
    state.set(STAMP, _stamp(path))
    state.commit()
    return head.count - start.count


def _seal(events: Iterable[AnyEvent], head: Head) -> tuple[list[Line], bytes]:
    """The lines that say these events after ``head``, and their bytes."""
    lines, sealed = [], []
    for event in events:
        text, after = seal_event(event, head)
        lines.append(Line(event, after, head.size))
        sealed.append(text)
        head = after
    return lines, b"".join(sealed)


@contextlib.contextmanager
def _end_of(folder: Path, start: Head) -> Iterator[IO[bytes]]:
    """A ledger open for writing at its end; an error takes it back to where it was.

    Not where the head was put in place before the error came: then the events have happened.
    """
    path = folder / LEDGER_NAME
    file = path.open("ab", buffering=1024 * 1024)
    try:
        yield file
        file.close()
    except BaseException:
        # Closed before the cut: what is left in its buffer would be written behind it.
        with contextlib.suppress(OSError):
            file.close()
        if head_on_disk(folder) == start:
            os.truncate(path, start.size)
        raise


def _settle(folder: Path, state: State, head: Head | None) -> None:
    """After reading: drop a torn last line, bring the head up, remember what was read."""
    path = folder / LEDGER_NAME
    if path.is_file():
        if path.stat().st_size > state.head.size:
            os.truncate(path, state.head.size)
        if state.head != head:
            write_text(folder / HEAD_NAME, state.head.dump())
        state.set(STAMP, _stamp(path))
    state.commit()


def _stamp(path: Path) -> str:
    # With ctime: nobody but the kernel sets it, so a change of the bytes always shows.
    found = path.stat()
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def _check_untouched(path: Path, state: State) -> None:
    touched = state.get(STAMP) != _stamp(path) if path.is_file() else state.head != EMPTY
    if touched:
        raise LedgerError(
            f"another program changed '{path}' meanwhile",
            remedy="let one program at a time change a site, and run the command again",
        )


def _check_missing(path: Path, head: Head | None) -> None:
    if head is not None and head != EMPTY:
        raise LedgerError(
            f"'{path}' is not there, and once had {head.count} events: it was shortened to nothing",
            remedy=RESTORE,
        )
