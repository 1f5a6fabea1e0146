"""The ledger of the site that is checked: read where it lies, or brought here from the web."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from index.check.findings import Finding, finding
from index.check.source import Folder, Missing, Source, Unreadable
from index.errors import LedgerError
from index.files import write_bytes
from index.ledger import HEAD_NAME, LEDGER_NAME
from index.site.disk import head_on_disk, read_state
from index.site.site import Site
from index.state.state import State

LONGEST_LEDGER = 2**40
"""Bytes brought from the web at most."""


@contextlib.contextmanager
def ledger_folder(source: Source) -> Iterator[Path]:
    """A folder with the site's ledger and head, for as long as the block lasts.

    Raises:
        Missing, Unreadable: the ledger is not to be had.
    """
    if isinstance(source, Folder):
        yield source.root
        return
    with tempfile.TemporaryDirectory(prefix="index-check-") as folder:
        # The head first: a ledger that was appended to meanwhile only goes on after it.
        with contextlib.suppress(Missing):
            head = source.read(HEAD_NAME).data
            write_bytes(Path(folder) / HEAD_NAME, head, flush=False)
        with source.fetch(LEDGER_NAME, LONGEST_LEDGER) as fetched:
            shutil.move(fetched.path, Path(folder) / LEDGER_NAME)
        yield Path(folder)


def read_ledger(folder: Path, source: Source) -> tuple[Site | None, list[Finding]]:
    """The site as its ledger describes it, and what is wrong with the ledger."""
    place = source.place(LEDGER_NAME)
    if not (folder / LEDGER_NAME).is_file():
        return None, [finding("ledger", place, "a ledger", "nothing: this is no site")]
    try:
        state = read_state(folder)
        head = head_on_disk(folder)
    except LedgerError as error:
        return None, [finding("ledger", place, "a whole ledger", error.message)]
    except OSError as error:
        return None, [finding("unreachable", place, "a ledger", str(error))]
    found = []
    if head != state.head:
        what = "no head" if head is None else f"a head of {head.count} events"
        expected = f"a head that names all {state.head.count} events"
        found.append(finding("ledger", source.place(HEAD_NAME), expected, what))
    size = (folder / LEDGER_NAME).stat().st_size
    if size != state.head.size:
        rest = size - state.head.size
        found.append(
            finding("ledger", place, "whole lines", f"{rest} bytes of a line that was broken off")
        )
    return Site(folder, state), found


def head_problem(source: Source, state: State, before: bytes) -> list[Finding]:
    """What happened to the head while the site was checked."""
    place = source.place(HEAD_NAME)
    try:
        after = source.read(HEAD_NAME).data
    except Missing as error:
        if not before:
            return []
        return [finding("changed", place, f"the head of {state.head.count} events", str(error))]
    except Unreadable as error:
        return [finding("changed", place, f"the head of {state.head.count} events", str(error))]
    if after != before:
        return [finding("changed", place, f"the head of {state.head.count} events", "another one")]
    return []
