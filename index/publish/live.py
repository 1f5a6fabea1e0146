"""The site as it is live: whether ours goes on from it, and how to go on from it here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.addresses import refuse_account
from index.check.source import Missing, Unreadable
from index.check.web import Web
from index.errors import PublishError
from index.files import atomic_file, write_bytes, write_text
from index.ledger import EMPTY, HEAD_NAME, LEDGER_NAME, Guard, Head
from index.ledger.seal import check_seals
from index.publish.brought import brought_ledger
from index.publish.survey import head_there
from index.site.finish import place_guards
from index.site.intake import METADATA_SUFFIX, PROVENANCE_SUFFIX
from index.site.lock import locked
from index.site.site import LOCK_NAME, Site, event_at
from index.state.state import Known

CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A live site's ledger, brought here for as long as the block lasts.

    Attributes:
        folder: Where it lies, with its head.
        head: How far it goes.
    """

    folder: Path
    head: Head


@contextmanager
def live_ledger(url: str) -> Iterator[Live | None]:
    """The ledger of the site at an address, or None where there is none.

    Raises:
        PublishError: nobody can say whether there is one.
        LedgerError: it is broken.
    """
    refuse_account(url, "the site's address")
    with (
        closing(Web(url)) as web,
        brought_ledger(web, f"whether an index is live at {url}") as folder,
    ):
        yield None if folder is None else Live(folder=folder, head=head_there(folder))


def check_follows_live(site: Site, url: str) -> None:
    """Refuse to go on from a site that lacks events which are live.

    Raises:
        PublishError: it does.
    """
    with live_ledger(url) as live:
        if live is None or _begins_with(site.folder, live.head):
            return
        raise PublishError(
            f"the index that is live at {url} has {live.head.count} events, and '{site.folder}' "
            "does not go on from them",
            remedy=f"`builder publish pull {url} --site FOLDER` brings what is live into a folder; "
            "publish with that as --site",
        )


def pull(url: str, folder: Path, said: Callable[[str], None]) -> bool:
    """Bring the ledger that is live into a folder; whether the folder's is another one now.

    A ledger there that goes on from the live one is left alone.

    Raises:
        PublishError: nothing is live, or the two ledgers went different ways.
    """
    with live_ledger(url) as live:
        if live is None:
            raise PublishError(f"no index is live at {url}", remedy="is the address right?")
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / LOCK_NAME, said):
            if _begins_with(folder, live.head):
                return False
            if not _begins_with(live.folder, head_there(folder)):
                raise PublishError(
                    f"the ledger in '{folder}' and the one that is live went different ways",
                    remedy="pull into a new folder, and make your changes there again",
                )
            _copy(live.folder / LEDGER_NAME, folder / LEDGER_NAME, live.head.size)
            write_text(folder / HEAD_NAME, live.head.dump())
    return True


def bring_files(site: Site, url: str) -> int:
    """Bring what the ledger names inside the site and this folder lacks; how many files.

    Guards are made from the ledger; wheels that lie inside the live site are fetched.

    Raises:
        PublishError: a wheel is not there, or not with its hash.
    """
    missing = [
        known
        for known in site.state.all_files()
        if "://" not in known.url and not (site.folder / known.url).is_file()
    ]
    guards = [event for known in missing if isinstance(event := _event(site, known), Guard)]
    place_guards(site, guards)
    with closing(Web(url)) as web:
        for known in missing:
            if known.kind == "wheel":
                _bring_wheel(site, known, web)
    return len(missing)


def _bring_wheel(site: Site, known: Known, web: Web) -> None:
    target = site.folder / known.url
    (file,) = site.files([known])
    assert file.record is not None
    try:
        with web.fetch(known.url, known.size) as fetched:
            if fetched.sha256 != known.sha256:
                raise PublishError(f"{known.filename}: it is live with other bytes")
            write_bytes(
                target.with_name(target.name + METADATA_SUFFIX), file.record.metadata.encode()
            )
            if file.provenance:
                data = web.read(known.url + PROVENANCE_SUFFIX).data
                write_bytes(target.with_name(target.name + PROVENANCE_SUFFIX), data)
            _copy(fetched.path, target, known.size)
    except (Missing, Unreadable) as error:
        raise PublishError(
            f"{known.filename} cannot be brought here: {error}",
            remedy="`builder index check` of the live site lists all that is wrong",
        ) from error


def _begins_with(folder: Path, head: Head) -> bool:
    """Whether a folder's ledger has, from its beginning, the lines that lead to ``head``."""
    if head == EMPTY:
        return True
    path = folder / LEDGER_NAME
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return check_seals(file, head)


def _copy(source: Path, target: Path, size: int) -> None:
    """The first ``size`` bytes of a file as another file."""
    with source.open("rb") as reader, atomic_file(target) as writer:
        shutil.copyfileobj(reader, writer, CHUNK)
        writer.truncate(size)


def _event(site: Site, known: Known) -> object:
    with (site.folder / LEDGER_NAME).open("rb") as ledger:
        ledger.seek(known.start)
        return event_at(ledger.read(known.length), known.filename)
