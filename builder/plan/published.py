"""What a published index has: its ledger, from an address or a folder, as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from builder.errors import FetchError, UsageError
from builder.plan.facts import PublishedWheel

if TYPE_CHECKING:
    from index.ledger import LedgerState


def read_published(where: str) -> tuple[PublishedWheel, ...]:
    """Every file name the index at ``where`` has given away.

    Args:
        where: The site's address (``https://…``, ``http://…``, ``file://…``) or its folder.

    Raises:
        FetchError: its ledger could not be had, or is broken.
        UsageError: the address has a form nobody knows.
    """
    from index.errors import SiteError
    from index.ledger import Head, load_ledger, read_ledger

    parts = urlsplit(where)
    try:
        if parts.scheme in ("http", "https"):
            ledger, head = _download(where)
            return published_wheels(read_ledger(ledger, Head.parse(head) if head else None))
        if parts.scheme not in ("", "file"):
            raise UsageError(f"'{where}' is neither an http(s) or file address nor a folder")
        folder = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(where)
        if not (folder / "ledger.jsonl").is_file():
            raise _no_ledger(where)
        return published_wheels(load_ledger(folder)[1])
    except SiteError as error:
        raise FetchError(f"{where}: {error.message}", remedy=error.remedy) from error


def published_wheels(state: LedgerState) -> tuple[PublishedWheel, ...]:
    """The names a ledger has given away, those of removed files too, sorted by file name."""
    live = [
        PublishedWheel(
            filename=filename,
            name=canonicalize_name(record.name),
            version=record.version,
            build_tag=record.build_tag,
            key=record.build_key,
            profile=record.profile,
        )
        for filename, record in state.records.items()
    ]
    gone = [
        wheel
        for filename, (_, reason) in state.removed.items()
        if (wheel := _removed(filename, reason)) is not None
    ]
    return tuple(sorted([*live, *gone], key=lambda wheel: wheel.filename))


def _removed(filename: str, reason: str) -> PublishedWheel | None:
    try:
        name, version, build, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return None  # an sdist: no wheel of ours can want its name
    return PublishedWheel(
        filename=filename,
        name=name,
        version=str(version),
        build_tag=f"{build[0]}{build[1]}" if build else None,
        key=None,
        profile=None,
        removed=reason,
    )


def _download(site: str) -> tuple[str, bytes | None]:
    """The ledger's text, and its head where there is one."""
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
    ledger, head = pages
    if ledger is None:
        raise _no_ledger(site)
    try:
        return ledger[0].decode(), None if head is None else head[0]
    except UnicodeDecodeError as error:
        raise FetchError(f"the ledger of {site} is not UTF-8") from error


def _no_ledger(where: str) -> FetchError:
    return FetchError(
        f"there is no ledger.jsonl at {where}",
        remedy="name the site's root, or leave --published out before the first publication",
    )
