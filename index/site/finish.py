"""What follows every change: guards come and go with the wheels they stand for, then the pages.

Last goes what no page names any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from index.model import FILES, File
from index.pages.form import FORM, pages_form
from index.site.deleting import delete_noted
from index.site.site import Site
from index.site.writer import Writer, Written

if TYPE_CHECKING:
    from index.ledger import AnyEvent, Guard, PlainGuard, Unyank, Yank


def finish(site: Site, *, uploaded: str) -> Written:
    """Publish the guards that are due, take back those that stand alone, and write the pages.

    Then the bytes of removed files go that are to go, those that a killed run left too.

    Args:
        site: The site, its events appended.
        uploaded: When guards are published (RFC 3339, UTC).
    """
    written = _brought_up(site, uploaded)
    written.deleted = delete_noted(site.folder, site.state)
    return written


def _brought_up(site: Site, uploaded: str) -> Written:
    if not site.state.stale() and site.state.get(FORM) == pages_form():
        return Written()
    # Imported where there is something to do: it takes as long as all the rest.
    from index.guard import guards_to_unyank, guards_to_yank, missing_guards
    from index.site.render import render

    settings = site.settings

    def due(files: Sequence[File]) -> Sequence[AnyEvent]:
        guards = missing_guards(files, settings, uploaded=uploaded)
        stray: list[Yank | Unyank] = [*guards_to_yank(files), *guards_to_unyank(files)]
        return [*guards, *(event.model_copy(update={"at": uploaded}) for event in stray)]

    def publish(events: Sequence[AnyEvent]) -> None:
        wanted = [event for event in events if not _was_removed(site, event)]
        place_guards(site, [event for event in wanted if event.event == "guard"])
        site.append(wanted)

    return render(site, due=due, publish=publish)


def place_guards(site: Site, guards: Iterable[Guard | PlainGuard]) -> None:
    """Write guards' bytes where their events say, flushed to disk."""
    from index.guard import guard_bytes

    writer = Writer(site.folder)
    for guard in guards:
        data = guard_bytes(guard.name, guard.version, guard.message)
        writer.write(f"{FILES}/{guard.filename}", data)
    writer.finish()


def _was_removed(site: Site, event: AnyEvent) -> bool:
    """Whether it is a guard that somebody removed: it stays so."""
    return event.event == "guard" and site.state.file(event.filename) is not None
