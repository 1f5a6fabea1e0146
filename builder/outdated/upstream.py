"""Asking upstream: the configured index's pages, Debian's package lists, Colab's.

Every answer is remembered, and so is every refusal: what is out of reach is said, not guessed.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import lzma
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from packaging.utils import canonicalize_name

from builder.fetch import debian, pypi
from builder.fetch.http import Client
from builder.fetch.location import Location, PlaceError
from builder.fetch.pipconfig import read_pip_settings
from builder.fetch.pypi import Offer
from builder.fetch.settings import FetchSettings
from builder.outdated.compare import DebianFile

LONGEST_LIST = 1024 * 1024 * 1024
"""Bytes of a package list, unpacked, at most."""
WORKERS = 8
_UNREADABLE = (PlaceError, OSError, lzma.LZMAError, zlib.error, EOFError, ValueError)


class Upstream:
    """What upstream says, each question asked once.

    Attributes:
        refusals: What could not be asked, by its name, and why.
    """

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._pip = settings.pip or read_pip_settings(settings.env)
        self.refusals: dict[str, str] = {}

    def projects(self, names: Iterable[str]) -> dict[str, tuple[Offer, ...]]:
        """The files that the indexes (and pip's find-links folders) have of each project.

        A project none of them answered for is not among them, but among the refusals.
        """
        wanted = sorted({str(canonicalize_name(name)) for name in names})
        with ThreadPoolExecutor(WORKERS) as crew:
            found = crew.map(self._project, wanted)
            return {
                name: offers
                for name, offers in zip(wanted, found, strict=True)
                if offers is not None
            }

    def _project(self, name: str) -> tuple[Offer, ...] | None:
        offers: list[Offer] = []
        refusals = []
        with contextlib.closing(Client(self._settings)) as client:
            for index in self._pip.indexes:
                where = pypi.page_location(index, name, self._pip)
                try:
                    offers += pypi.read_page(where, client, self._settings)
                except PlaceError as error:
                    refusals.append(f"{where.shown}: {error}")
        if not offers:
            self.refusals[f"pypi:{name}"] = "; ".join(refusals) or "no index has it"
            return None
        return tuple(offers)

    def package_lists(
        self, suites: Iterable[str], components: Iterable[tuple[str, str]]
    ) -> list[DebianFile]:
        """The files of Debian's package lists.

        Args:
            suites: ``bookworm``, ``bookworm-security``.
            components: (``main``, ``source``) or (``non-free``, ``binary-amd64``).
        """
        roots = debian.roots(self._settings.debian_mirrors, self._settings.apt)
        wanted = [(suite, *one) for suite in suites for one in sorted(set(components))]
        with ThreadPoolExecutor(2) as crew:  # each is some megabytes, and some memory
            return [
                file
                for files in crew.map(lambda one: self._list(roots, *one), wanted)
                for file in files
            ]

    def _list(
        self, roots: tuple[debian.Root, ...], suite: str, component: str, what: str
    ) -> list[DebianFile]:
        security = suite.endswith("-security")
        name = "Sources" if what == "source" else "Packages"
        path = f"dists/{suite}/{component}/{what}/{name}"
        refusals = []
        with contextlib.closing(Client(self._settings)) as client:
            for root in (one for one in roots if one.security is security):
                for ending in ("xz", "gz"):
                    where = Location(url=f"{root.url}/{path}.{ending}")
                    try:
                        page = client.page(where, "*/*")
                        if page is not None:
                            return _files(page[0], ending, source=what == "source")
                    except KeyError as error:
                        refusals.append(f"{where.shown}: a paragraph without {error.args[0]}")
                    except _UNREADABLE as error:
                        refusals.append(f"{where.shown}: {error}")
        self.refusals[f"debian:{path}"] = "; ".join(refusals) or "no mirror has it"
        return []

    def text(self, what: str, url: str) -> str | None:
        """A small text, or None where it is out of reach."""
        try:
            with contextlib.closing(Client(self._settings)) as client:
                page = client.page(Location(url=url), "text/plain, */*; q=0.1")
            if page is not None:
                return page[0].decode("utf-8", "replace")
            self.refusals[what] = f"{url}: it is not there"
        except PlaceError as error:
            self.refusals[what] = f"{url}: {error}"
        return None


def _files(data: bytes, ending: str, *, source: bool) -> list[DebianFile]:
    raw = io.BytesIO(data)
    stream = lzma.open(raw) if ending == "xz" else gzip.open(raw)  # noqa: SIM115 -- in memory
    text = stream.read(LONGEST_LIST).decode("utf-8", "replace")
    read = _source_files if source else _package_files
    return [file for paragraph in text.split("\n\n") for file in read(paragraph)]


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line[:1] in (" ", "\t"):
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
        else:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    return fields


def _source_files(paragraph: str) -> Iterator[DebianFile]:
    """Upstream's own archives of a source package."""
    if ".orig.tar." not in paragraph:
        return
    fields = _fields(paragraph)
    for line in fields.get("Checksums-Sha256", "").split("\n"):
        sha256, size, name = [*line.split(), "", "", ""][:3]
        if ".orig.tar." in name and not name.endswith(".asc") and ".orig-" not in name:
            yield DebianFile(
                name=fields["Package"],
                version=fields["Version"],
                path=f"{fields['Directory']}/{name}",
                sha256=sha256,
                size=int(size),
            )


def _package_files(paragraph: str) -> Iterator[DebianFile]:
    fields = _fields(paragraph)
    if "Filename" in fields and "SHA256" in fields:
        yield DebianFile(
            name=fields["Package"],
            version=fields["Version"],
            path=fields["Filename"],
            sha256=fields["SHA256"],
            size=int(fields["Size"]),
        )
