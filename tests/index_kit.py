"""Ledgers and sites for the tests of the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from index.ledger import EMPTY, Add, Event, Head, read_lines, seal_event
from index.records import Record
from index.site.site import Site, open_site
from index.state.state import State

TIME = "2026-11-21T00:00:00Z"


def add(record: Record, *, folder: str = "files", provenance: bool = False) -> Add:
    """A wheel's event; its bytes lie in ``folder``."""
    return Add(
        record=record,
        url=f"{folder}/{record.filename}",
        uploaded=TIME,
        provenance=provenance,
    )


def ledger(*events: Event) -> bytes:
    """A ledger of these events, sealed and not judged."""
    return sealed(events)[0]


def sealed(events: Iterable[Event]) -> tuple[bytes, Head]:
    """The same, and its head."""
    data, head = b"", EMPTY
    for event in events:
        line, head = seal_event(event, head)
        data += line
    return data, head


def state_of(data: bytes, head: Head | None = None) -> State:
    """What a ledger adds up to."""
    return State.of_lines(read_lines(BytesIO(data), reach=head))


def tell(state: State) -> dict[str, object]:
    """All that a state says of files, projects and settings, to compare two of them."""
    return {
        "files": list(state.all_files(gone=True)),
        "projects": {cuda: state.projects(cuda) for cuda in [None, "", *state.roots()]},
        "settings": state.settings,
        "head": state.head,
    }


@contextmanager
def opened(folder: Path) -> Iterator[Site]:
    """The site ``folder/site``, its cache beside it."""
    with open_site(folder / "site", folder / "cache") as site:
        yield site


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but the lock: path and bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }
