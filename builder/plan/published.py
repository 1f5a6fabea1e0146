"""What a published index has: its ledger, from an address or a folder, as plain data."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import url2pathname

from packaging.utils import canonicalize_name, parse_wheel_filename

from builder.errors import FetchError, UsageError
from builder.plan.facts import PublishedWheel

if TYPE_CHECKING:
    from index.model import File
    from index.site.site import Site
    from index.state.state import Known

_EACH = re.compile(r"-(cp\d+)-\1-[^-]+\.whl\Z").search
"""Whether a file name is that of a wheel for one Python alone, ``…-cp313-cp313-….whl``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedIndex:
    """What an index has.

    Attributes:
        wheels: Every file name it has given away.
        pythons: The Pythons it advertises; none where nothing is published yet.
        offered: The newest version of each package and CUDA.
    """

    wheels: tuple[PublishedWheel, ...] = ()
    pythons: tuple[str, ...] = ()
    offered: tuple[File, ...] = ()

    def untried(
        self, pythons: Sequence[str], building: Sequence[tuple[str, str, str]]
    ) -> dict[str, tuple[str, ...]]:
        """What must be tried before the index may advertise further Pythons.

        Args:
            pythons: Those it is asked for.
            building: Name, CUDA and Python of wheels that will be new, and tried anyway.

        Returns:
            File names by Python; only Pythons that the index does not advertise and serves.
        """
        from index.publish.offered import best_for

        found = {}
        for python in pythons if self.pythons else ():
            names = sorted(
                one.filename
                for one in best_for(self.offered, python)
                if (one.name, one.cuda or "", python) not in building
            )
            if names and python not in self.pythons:
                found[python] = tuple(names)
        return found


def read_index(where: str, *, new_is_fine: bool = False) -> PublishedIndex:
    """What the index at ``where`` has.

    Args:
        where: The site's address (``https://…``, ``http://…``, ``file://…``) or its folder.
        new_is_fine: Whether there may be no ledger yet.

    Raises:
        FetchError: its ledger could not be had, or is broken.
        UsageError: the address has a form nobody knows.
    """
    from index.addresses import refuse_account
    from index.errors import SiteError
    from index.publish.offered import offered
    from index.site.disk import read_state
    from index.site.site import Site

    refuse_account(where, "--published")
    try:
        with _ledger_folder(where) as folder:
            if folder is None:
                if new_is_fine:
                    return PublishedIndex()
                raise _no_ledger(where)
            site = Site(folder, read_state(folder))
            return PublishedIndex(
                wheels=published_wheels(site),
                pythons=site.settings.pythons,
                offered=offered(site),
            )
    except SiteError as error:
        raise FetchError(f"{where}: {error.message}", remedy=error.remedy) from error


@contextlib.contextmanager
def _ledger_folder(where: str) -> Iterator[Path | None]:
    """A folder with the ledger and its head, for as long as the block lasts; None without one."""
    from index.addresses import split_address
    from index.files import write_bytes
    from index.ledger import HEAD_NAME, LEDGER_NAME

    parts = split_address(where)
    if parts is None or (parts.scheme in ("http", "https") and not parts.hostname):
        raise UsageError(
            f"--published: '{where}' is no address of a site",
            remedy="write it like https://HOST/PATH",
        )
    if parts.scheme not in ("", "file", "http", "https"):
        raise UsageError(f"'{where}' is neither an http(s) or file address nor a folder")
    if parts.scheme not in ("http", "https"):
        folder = Path(url2pathname(parts.path)) if parts.scheme == "file" else Path(where)
        yield folder if (folder / LEDGER_NAME).is_file() else None
        return
    ledger, head = _download(where)
    if ledger is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="published-") as brought:
        write_bytes(Path(brought) / LEDGER_NAME, ledger, flush=False)
        if head:
            write_bytes(Path(brought) / HEAD_NAME, head, flush=False)
        yield Path(brought)


def published_wheels(site: Site) -> tuple[PublishedWheel, ...]:
    """The names a ledger has given away, those of removed files too, sorted by file name."""
    found = [known for known in site.state.all_files(gone=True) if known.kind == "wheel"]
    headers = _headers(site, found)
    return tuple(_published(known, headers.get(known.filename)) for known in found)


def _headers(site: Site, wheels: Iterable[Known]) -> dict[str, str]:
    """The Python headers that wheels for one Python alone say they were built with, by file name.

    Only those wheels' records are read.
    """
    each = [one for one in wheels if one.gone is None and one.build_key and _EACH(one.filename)]
    specs = {one.filename: one.record and one.record.build_spec for one in site.files(each)}
    said = {name: (spec or {}).get("python_headers") for name, spec in specs.items()}
    return {name: headers for name, headers in said.items() if isinstance(headers, str)}


def _published(known: Known, headers: str | None) -> PublishedWheel:
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
        headers=headers,
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
