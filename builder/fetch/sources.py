"""From a named place (`pypi:`, `debian:`, a URL) to the addresses where it may lie."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator

from builder.fetch import debian, pypi
from builder.fetch.artifact import Artifact
from builder.fetch.http import Client
from builder.fetch.location import Location, PermanentError, PlaceError
from builder.fetch.pipconfig import PipSettings, read_pip_settings
from builder.fetch.settings import FetchSettings

URL_SCHEMES = ("https://", "http://", "file://")


class Resolver:
    """Finds addresses; shared by the workers of one call, so that each page is read once."""

    def __init__(self, settings: FetchSettings, *, warn: Callable[[str], None]) -> None:
        self._settings = settings
        self._warn = warn
        self._lock = threading.Lock()
        self._pip = settings.pip
        self._roots: tuple[debian.Root, ...] | None = None
        self._pages: dict[str, pypi.Page] = {}

    def locations(self, place: str, artifact: Artifact, client: Client) -> Iterator[Location]:
        """The addresses of one place, best first.

        Raises:
            PlaceError: the place names none; the message says why.
        """
        scheme, _, rest = place.partition(":")
        if place.startswith(URL_SCHEMES):
            yield Location(url=self._settings.replaced(place))
        elif scheme == "pypi":
            yield from self._pypi(rest, artifact, client)
        elif scheme == "debian":
            yield from debian.locations(rest, self._debian_roots(), self._settings.snapshot)
        else:
            raise PermanentError(
                "not a kind of source known here (https://…, pypi:NAME==VERSION, debian:POOL/PATH)"
            )

    def _pypi(self, rest: str, artifact: Artifact, client: Client) -> Iterator[Location]:
        name, _ = pypi.split_requirement(rest)
        pip = self._pip_settings()
        refusals: list[str] = []
        offered = False
        # Loose files first: they cost nothing, and the indexes may be out of reach.
        for found in itertools.chain(
            self._loose_files(pip, artifact), self._loose_links(pip, artifact, client, refusals)
        ):
            offered = True
            yield found
        for index in pip.indexes:
            where = pypi.page_location(index, name, pip)
            try:
                page = self._page(where, client)
                offer = pypi.choose(page, artifact)
            except PlaceError as error:
                refusals.append(f"{where.shown}: {error}")
                continue
            if offer is None:
                continue  # an index that lacks the project says nothing about it
            if offer.yanked is not None:
                reason = f": {offer.yanked}" if offer.yanked else ""
                self._warn(f"{artifact.filename} was yanked by its authors{reason}")
            offered = True
            yield pypi.location(offer.url, pip)
        if refusals:
            raise PermanentError("; ".join(refusals))
        if offered:
            return  # what came of those is known to whoever tried them
        if not pip.indexes:
            raise PermanentError("pip is configured for no index (no-index)")
        asked = ", ".join(Location(url=index).shown for index in pip.indexes)
        raise PermanentError(f"'{artifact.filename}' is in none of the indexes asked ({asked})")

    def _loose_files(self, pip: PipSettings, artifact: Artifact) -> Iterator[Location]:
        """The file in the folders among pip's ``find-links``."""
        for folder in filter(None, map(pypi.local, pip.find_links)):
            path = folder.absolute() / artifact.filename
            if path.is_file():
                yield Location(url=path.as_uri())

    def _loose_links(
        self, pip: PipSettings, artifact: Artifact, client: Client, refusals: list[str]
    ) -> Iterator[Location]:
        """The file on the pages of links among pip's ``find-links``; their refusals are noted."""
        for link in pip.find_links:
            path = pypi.local(link)
            if path is not None and not path.is_file():
                continue
            url = link if path is None else path.absolute().as_uri()
            where = pypi.location(url, pip)
            try:
                page = self._page(where, client)
            except PlaceError as error:
                refusals.append(f"{where.shown}: {error}")
                continue
            for offer in page:
                if offer.filename == artifact.filename:
                    yield pypi.location(offer.url, pip)

    def _page(self, where: Location, client: Client) -> pypi.Page:
        with self._lock:
            known = self._pages.get(where.url)
        if known is None:
            known = pypi.read_page(where, client, self._settings)
            with self._lock:
                self._pages[where.url] = known
        return known

    def _pip_settings(self) -> PipSettings:
        with self._lock:
            if self._pip is None:
                self._pip = read_pip_settings(self._settings.env)
            return self._pip

    def _debian_roots(self) -> tuple[debian.Root, ...]:
        with self._lock:
            if self._roots is None:
                self._roots = debian.roots(self._settings.debian_mirrors, self._settings.apt)
            return self._roots
