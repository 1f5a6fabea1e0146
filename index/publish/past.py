"""What changes of an index's past need to know: since when files are yanked, what can come back."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from index.check.advertised import check_file
from index.check.source import Folder
from index.check.web import Web
from index.errors import PublishError
from index.ledger import LEDGER_NAME, Add, Event, Unyank, Yank, read_lines
from index.model import File
from index.site.disk import head_on_disk

_SHOWN = 5


def yanked_since(folder: Path) -> dict[str, str]:
    """When each yanked file of a site was yanked (RFC 3339), where its ledger says so.

    A file yanked again for another reason has been yanked since the first time.

    Raises:
        LedgerError: the ledger is broken.
    """
    path = folder / LEDGER_NAME
    since: dict[str, str | None] = {}
    if path.is_file():
        with path.open("rb") as file:
            for line in read_lines(file, reach=head_on_disk(folder)):
                event = line.event
                if isinstance(event, Yank):
                    since.setdefault(event.filename, event.at)
                elif isinstance(event, Unyank):
                    since.pop(event.filename, None)
                elif isinstance(event, Add):
                    since.pop(event.record.filename, None)
    return {name: at for name, at in since.items() if at is not None}


def check_can_return(site: Path, events: Iterable[Event]) -> None:
    """See that the wheels which events bring back can be fetched, whole, from where they lie.

    Raises:
        PublishError: some cannot.
    """
    lost = []
    with closing(Web("")) as web:
        source = Folder(site, web)
        for event in events:
            if isinstance(event, Add):
                file = File.of_wheel(event.record, url=event.url, provenance=event.provenance)
                lost += check_file(source, file, fast=False)
    if lost:
        listed = [f"{one.place}: {one.found}" for one in lost[:_SHOWN]]
        raise PublishError(
            "\n  ".join([f"{len(lost)} things of that state can no longer be fetched:", *listed]),
            remedy="put their bytes back where they were, and run the command again",
        )
