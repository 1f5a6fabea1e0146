"""The only ways for a file to change or go: yank, unyank, remove, and back to an earlier state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from index.errors import EntryError, LedgerError, SiteError
from index.ledger import (
    LEDGER_NAME,
    Add,
    Configure,
    Event,
    Guard,
    Remove,
    Unyank,
    Yank,
    decided,
    read_lines,
)
from index.site.deleting import note
from index.site.disk import head_on_disk
from index.site.finish import place_guards
from index.site.intake import METADATA_SUFFIX, write_beside
from index.site.site import Site, event_at
from index.state.state import Known, State
from index.wheels import check_wheel


def yank(
    site: Site, filenames: Sequence[str], reason: str, *, at: str | None = None
) -> tuple[str, ...]:
    """Offer files only to those who pin them (PEP 592).

    Returns:
        Those that were not yanked for this very reason before.

    Raises:
        LedgerError: there is no such file; nothing is changed.
    """
    fresh = to_yank(site, filenames, reason)
    if fresh:
        site.append(Yank(filename=name, reason=reason, at=at) for name in fresh)
    return fresh


def to_yank(site: Site, filenames: Sequence[str], reason: str) -> tuple[str, ...]:
    """What `yank` would do; nothing is changed."""
    files = _there(site, filenames, "yank")
    return tuple(file.filename for file in files if file.yanked != reason)


def unyank(
    site: Site, filenames: Sequence[str], reason: str, *, at: str | None = None
) -> tuple[str, ...]:
    """Offer yanked files to everybody again.

    Returns:
        Those files.

    Raises:
        LedgerError: there is no such file, or it is not yanked; nothing is changed.
    """
    names = to_unyank(site, filenames)
    site.append(Unyank(filename=name, reason=reason, at=at) for name in names)
    return names


def to_unyank(site: Site, filenames: Sequence[str]) -> tuple[str, ...]:
    """What `unyank` would do; nothing is changed."""
    files = _there(site, filenames, "offer again")
    for file in files:
        if file.yanked is None:
            raise LedgerError(f"'{file.filename}' is not yanked")
    return tuple(file.filename for file in files)


def remove(
    site: Site,
    filenames: Sequence[str],
    reason: str,
    *,
    at: str | None = None,
    delete: Collection[str] = (),
) -> None:
    """Advertise files no more.

    Args:
        site: The site.
        filenames: The files.
        reason: Why; it is published.
        at: When it was decided (RFC 3339, UTC).
        delete: Files of which the bytes go too, once no page names them (`finish`): those, or
            some that were removed before.

    Raises:
        LedgerError: there is no such file; nothing is changed.
    """
    files = _there(site, filenames, "remove")
    note(site.folder, delete)
    site.append(Remove(filename=file.filename, reason=reason, at=at) for file in files)


def _there(site: Site, filenames: Sequence[str], verb: str) -> list[Known]:
    """Files of the index by their names, each once."""
    found = []
    for name in dict.fromkeys(filenames):
        known = site.state.file(name)
        if known is None or known.gone is not None:
            raise LedgerError(
                f"there is no '{name}' to {verb}"
                + ("" if known is None else f": it was removed ({known.gone})"),
                remedy="say a file's whole name; `builder index log SITE` has them all",
            )
        found.append(known)
    return found


def roll_back(site: Site, count: int, reason: str, *, at: str | None = None) -> list[Event]:
    """Bring back what the index was after its first ``count`` events, by new events.

    Nothing of the ledger is taken away: files added since are removed (their bytes stay), removed
    ones are there again, yanks are undone or done again.

    Returns:
        The events; none where nothing differs.

    Raises:
        SiteError: there is no such state, or a file it needs is no longer there.
    """
    events = plan_rollback(site, count, reason, at=at)
    for event in events:
        if isinstance(event, Guard):
            place_guards(site, [event])
        elif isinstance(event, Add) and "://" not in event.url:
            target = site.folder / event.url
            write_beside(target, METADATA_SUFFIX, event.record.metadata.encode())
    site.append(events)
    return events


def plan_rollback(site: Site, count: int, reason: str, *, at: str | None = None) -> list[Event]:
    """The events that `roll_back` would append.

    Raises:
        SiteError: as `roll_back`.
    """
    head = site.state.head
    if not 0 <= count <= head.count:
        raise SiteError(
            f"the ledger has {head.count} events, there is no state after {count}",
            remedy="`builder index log SITE` lists them",
        )
    before = state_after(site.folder, count)
    events = [
        decided(event, at)
        for event in _difference(site, before, f"back to event {count}: {reason}")
    ]
    lost = [
        event.record.filename
        for event in events
        if isinstance(event, Add) and not _bytes_are_there(site, event)
    ]
    if lost:
        raise SiteError(
            f"{len(lost)} files of that state are no longer in the site: {', '.join(lost[:5])}",
            remedy="put their bytes back under the names the ledger gives them, then try again",
        )
    return events


def state_after(folder: Path, count: int) -> State:
    """What the ledger's first ``count`` events add up to, in memory.

    Raises:
        LedgerError: the ledger is broken.
    """
    with (folder / LEDGER_NAME).open("rb") as file:
        state = State.in_memory()
        if count:
            state.apply_all(islice(read_lines(file, reach=head_on_disk(folder)), count))
    return state


def _difference(site: Site, before: State, reason: str) -> Iterator[Event]:
    now = site.state
    if before.settings != now.settings:
        yield Configure(settings=before.settings)
    for known in now.all_files():
        was = before.file(known.filename)
        if was is None or was.gone is not None:
            yield Remove(filename=known.filename, reason=reason)
    for earlier in before.all_files():
        today = now.file(earlier.filename)
        back = today is None or today.gone is not None
        if back:
            yield _again(site, earlier)
        yanked = today.yanked if today is not None and not back else None
        if earlier.yanked is not None and yanked != earlier.yanked:
            yield Yank(filename=earlier.filename, reason=earlier.yanked)
        elif earlier.yanked is None and yanked is not None:
            yield Unyank(filename=earlier.filename, reason=reason)


def _again(site: Site, known: Known) -> Event:
    with (site.folder / LEDGER_NAME).open("rb") as ledger:
        ledger.seek(known.start)
        event = event_at(ledger.read(known.length), known.filename)
    if not isinstance(event, Add | Guard):
        raise LedgerError(f"the ledger's line of '{known.filename}' adds nothing")
    return event


def _bytes_are_there(site: Site, event: Add) -> bool:
    if "://" in event.url:
        return True  # `builder index check` fetches it
    try:
        check_wheel(event.record, site.folder / event.url)
    except EntryError:
        return False
    return True
