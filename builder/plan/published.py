"""What a published index has: its ledger, from an address or a folder, as plain data."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.utils import canonicalize_name, parse_wheel_filename

from builder.errors import FetchError, UsageError
from builder.plan.facts import PublishedWheel

if TYPE_CHECKING:
    from index.state.state import Known, State


def read_published(where: str, *, new_is_fine: bool = False) -> tuple[PublishedWheel, ...]:
    """Every file name the index at ``where`` has given away.

    Args:
        where: The site's address (``https://…``, ``http://…``, ``file://…``) or its folder.
        new_is_fine: Whether there may be no ledger yet.

    Raises:
        FetchError: its ledger could not be had, or is broken.
        UsageError: the address has a form nobody knows.
    """
    from index.errors import SiteError
    from index.ledger import Head, read_lines
    from index.site.disk import read_state
    from index.state.state import State

    parts = urlsplit(where)
    try:
        if parts.scheme in ("http", "https"):
            ledger, head = _download(where)
            if ledger is None:
                if new_is_fine:
                    return ()
                raise _no_ledger(where)
            reach = Head.parse(head) if head else None
            return published_wheels(State.of_lines(read_lines(BytesIO(ledger), reach=reach)))
        if parts.scheme not in ("", "file"):
            raise UsageError(f"'{where}' is neither an http(s) or file address nor a folder")
        folder = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(where)
        if not (folder / "ledger.jsonl").is_file():
            if new_is_fine:
                return ()
            raise _no_ledger(where)
        return published_wheels(read_state(folder))
    except SiteError as error:
        raise FetchError(f"{where}: {error.message}", remedy=error.remedy) from error


def published_wheels(state: State) -> tuple[PublishedWheel, ...]:
    """The names a ledger has given away, those of removed files too, sorted by file name."""
    return tuple(_published(known) for known in state.all_files(gone=True) if known.kind == "wheel")


def _published(known: Known) -> PublishedWheel:
    _, _, build, _ = parse_wheel_filename(known.filename)
    removed = known.gone is not None
    return PublishedWheel(
        filename=known.filename,
        name=canonicalize_name(known.name),
        version=known.version,
        build_tag=f"{build[0]}{build[1]}" if build else None,
        key=None if removed else known.build_key,
        profile=None if removed else known.profile,
        removed=known.gone,
    )


def _download(site: str) -> tuple[bytes | None, bytes | None]:
    """The ledger and its head, each where there is one."""
    from builder.fetch.http import Client
    from builder.fetch.location import Location, PlaceError
    from builder.fetch.settings import FetchSettings

    client = Client(FetchSettings())
    try:
        pages = [
            client.page(Location(url=f"{site.rstrip('/')}/{name}"), "*/*")
            for name in ("ledger.jsonl", "ledger.head.json")
        ]
    except PlaceError as error:
        raise FetchError(f"the ledger of {site}: {error}") from error
    finally:
        client.close()
    ledger, head = (None if page is None else page[0] for page in pages)
    return ledger, head


def _no_ledger(where: str) -> FetchError:
    return FetchError(
        f"there is no ledger.jsonl at {where}",
        remedy="--published takes the site's root; before the first publication add --new-is-fine",
    )
