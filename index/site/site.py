"""A site that is open for reading and changing: one writer at a time."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import SiteError
from index.ledger import EMPTY, Settings
from index.model import File, in_order
from index.site import deleting
from index.site.disk import append, append_arrivals, catch_up
from index.site.lock import locked
from index.site.reading import event_at, read_files
from index.site.sweep import swept
from index.state.state import Known, Place, State

if TYPE_CHECKING:
    from index.ledger import AnyEvent
    from index.site.arrivals import Arrivals
    from index.state.view import Taken

LOCK_NAME = ".lock"


@dataclass(frozen=True, slots=True)
class Site:
    """An open site.

    Attributes:
        folder: Where it lies.
        state: What its ledger adds up to.
        said: Lines for the person who waits; the command line shows them.
        cache: Folder for what can be made anew, or None.
    """

    folder: Path
    state: State
    said: Callable[[str], None] = field(default=lambda _: None)
    cache: Path | None = None

    @property
    def settings(self) -> Settings:
        """The newest settings."""
        return self.state.settings

    def append(self, events: Iterable[AnyEvent], *, checked: bool = False) -> int:
        """Remember events: all of them, or none (see `index.site.disk.append`)."""
        return append(self.folder, self.state, events, checked=checked)

    def append_arrivals(self, batches: Iterable[tuple[Arrivals, dict[str, Taken]]]) -> int:
        """Remember wheels by the hundred (see `index.site.disk.append_arrivals`)."""
        return append_arrivals(self.folder, self.state, batches)

    def files_of(self, name: str) -> tuple[File, ...]:
        """A project's files that are there, oldest version first, with their whole records."""
        return in_order(self.files(self.state.places_of(name)))

    def files(self, known: Sequence[Known | Place]) -> Iterator[File]:
        """Files with what the ledger holds of them: records of wheels, nothing of guards."""
        return read_files(self.folder, known)


@contextlib.contextmanager
def open_site(
    folder: Path, cache: Path, said: Callable[[str], None] = lambda _: None
) -> Iterator[Site]:
    """Open a site for changes; a second one waits until the first is done.

    Args:
        folder: The site; made where it is missing.
        cache: Folder for what can be made anew (the state by site).
        said: Told what is waited for.

    Raises:
        LedgerError: the ledger is broken or shortened.
        SiteError: the disk is full, or the folder may not be written to.
    """
    with (
        _disk_faults_told(folder),
        locked(folder / LOCK_NAME, said),
        State.in_file(state_path(folder, cache)) as state,
    ):
        fresh = state.head == EMPTY
        try:
            catch_up(folder, state)
        except BaseException:
            state.rollback()
            raise
        if fresh and state.head != EMPTY:
            said(f"read the ledger: {state.head.count} events")
        with swept(folder, state):
            deleting.settle(folder, state)
            yield Site(folder, state, said, cache)


@contextlib.contextmanager
def _disk_faults_told(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BrokenPipeError:
        raise  # whoever read what we print has gone
    except OSError as error:
        raise SiteError(
            f"'{folder}': {error}",
            remedy="see to the disk and run the command again; what the ledger had, it still has",
        ) from error


def state_path(folder: Path, cache: Path) -> Path:
    """Where the state of the site in ``folder`` is kept."""
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:20]
    return cache / f"{name}.sqlite"


__all__ = ["LOCK_NAME", "Site", "event_at", "open_site", "state_path"]
