"""The whole check: ledger, pages, files, and what should not be there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from index.check.advertised import check_file
from index.check.expected import (
    ALWAYS,
    JSON_PAGE,
    PAGE,
    listings_of,
    paths_of_file,
    people_page,
    roots_of,
    shared_files,
)
from index.check.findings import Finding, Report, finding
from index.check.jobs import Job, Progress, Runner, Silence
from index.check.leftovers import find_leftovers
from index.check.memory import head_problem, ledger_folder, read_ledger
from index.check.people import Bounds, check_people_page, host_of
from index.check.simple import check_listing, check_root
from index.check.source import Folder, Missing, Source, Unreadable
from index.check.web import source_at
from index.ledger import HEAD_NAME, LEDGER_NAME
from index.model import File
from index.pages import human
from index.site.site import Site

WORKERS = 8
"""Files and pages looked at at once."""
_SHOWN = 10


def check_site(
    where: str | Path, *, fast: bool = False, workers: int = WORKERS, watch: Progress | None = None
) -> Report:
    """Check a site in a folder or at an ``http(s):`` or ``file:`` address.

    Every promise that does not hold is in the report; nothing is changed.

    Args:
        where: The site.
        fast: Do not read the files' bytes: their sizes only.
        workers: How many files and pages are looked at at once.
        watch: Told how far it is.

    Raises:
        SiteError: ``where`` is no address of a site.
    """
    text = str(where)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(source_at(text))
        try:
            folder = stack.enter_context(ledger_folder(source))
            head = (folder / HEAD_NAME).read_bytes() if (folder / HEAD_NAME).is_file() else b""
        except Missing as error:
            place = source.place(LEDGER_NAME)
            return _report(text, fast, None, [finding("ledger", place, "a ledger", str(error))])
        except Unreadable as error:
            place = source.place(LEDGER_NAME)
            broken = finding("unreachable", place, "a ledger", str(error))
            return _report(text, fast, None, [broken])
        site, found = read_ledger(folder, source)
        if site is None:
            return _report(text, fast, None, found)
        check = _Check(source, site, fast)
        runner = Runner(workers, watch or Silence(), source.give_up)
        found += runner.run(check.first(), check.total())
        found += runner.run(check.second(), check.total())
        found += check.leftovers()
        found += head_problem(source, site.state, head)
        return _report(text, fast, check, found)


def _report(where: str, fast: bool, check: _Check | None, found: list[Finding]) -> Report:
    return Report(
        site=where,
        fast=fast,
        events=0 if check is None else check.site.state.head.count,
        files=0 if check is None else check.site.state.count(),
        pages=0 if check is None else check.pages,
        findings=tuple(sorted(set(found))),
        notes=() if check is None else tuple(check.notes),
    )


@dataclass(slots=True)
class _Check:
    """One check under way: what was asked for so far, and what belongs into the site."""

    source: Source
    site: Site
    fast: bool
    pages: int = 0
    notes: list[str] = field(default_factory=list)
    _named: set[str] = field(default_factory=lambda: set(ALWAYS))
    _hosts: set[str] = field(default_factory=set)
    _cards: dict[str, str] = field(default_factory=dict)

    @property
    def web(self) -> bool:
        """Whether the site has JSON and pages for people."""
        return self.site.settings.layout == "web"

    def total(self) -> int:
        """How many pieces of work there will be."""
        state = self.site.state
        roots = roots_of(state)
        projects = state.projects()
        listings = sum(len(state.projects(cuda)) for cuda in roots.values())
        people = len(projects) + 1 if self.web else 0
        return state.count() + listings + len(roots) + people + len(shared_files(state.settings))

    def first(self) -> Iterator[Job]:
        """Every page installers read, and every file."""
        roots = roots_of(self.site.state)
        base_url = self.site.settings.base_url
        for name in self.site.state.projects():
            files = self.site.files_of(name)
            for listing in listings_of(name, files, roots):
                self._name_pages(listing.html, listing.json)
                yield partial(check_listing, self.source, listing, base_url, json=self.web)
            for file in files:
                self._name_file(file)
                yield partial(check_file, self.source, file, fast=self.fast)
            if self.web:
                self._cards[name] = human.card(name, files)
                self._named.add(people_page(name))
        for root, cuda in roots.items():
            self._name_pages(f"{root}/{PAGE}", f"{root}/{JSON_PAGE}")
            names = self.site.state.projects(cuda)
            yield partial(check_root, self.source, root, names, json=self.web)

    def second(self) -> Iterator[Job]:
        """The pages people look at, once everything that they may link to is known."""
        settings = self.site.settings
        shared = shared_files(settings)
        self._named |= shared.keys() | ({PAGE} if self.web else set())
        bounds = Bounds(
            paths=frozenset(self._named), hosts=frozenset(self._hosts), base_url=settings.base_url
        )
        for path, data in shared.items():
            # Hosts keep their own notes (_headers, .nojekyll) to themselves.
            if "/" in path or isinstance(self.source, Folder):
                yield partial(check_people_page, self.source, path, data, bounds)
        if not self.web:
            return
        for name in self.site.state.projects():
            page = human.project_page(name, self.site.files_of(name), settings)
            self.pages += 1
            yield partial(check_people_page, self.source, people_page(name), page.encode(), bounds)
        landing = human.landing_page(sorted(self._cards.items()), self.site.state.roots(), settings)
        self.pages += 1
        yield partial(check_people_page, self.source, PAGE, landing.encode(), bounds)

    def leftovers(self) -> list[Finding]:
        """What is there and should not be; notes of what could not be looked at."""
        if self.fast:
            self.notes.append("the files' bytes were not read, only their sizes (--fast)")
        if not isinstance(self.source, Folder):
            self.notes.append("whether anything else lies in the site cannot be seen from outside")
            return []
        found = find_leftovers(self.source.root, frozenset(self._named), self.site.state)
        self._note("removed from the index, their bytes are kept", found.removed)
        self._note(
            "removed from the index by a run that broke off; the next change of the index, or "
            "`builder index render`, deletes their bytes",
            found.doomed,
        )
        self._note("not of the index, left alone", found.odd)
        return found.findings

    def _note(self, what: str, paths: list[str]) -> None:
        if paths:
            rest = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
            self.notes.append(f"{what}: {', '.join(paths[:_SHOWN])}{rest}")

    def _name_pages(self, html: str, json: str) -> None:
        self._named.add(html)
        self.pages += 1
        if self.web:
            self._named.add(json)
            self.pages += 1

    def _name_file(self, file: File) -> None:
        if "://" in file.url:
            self._hosts.add(host_of(file.url))
        self._named.update(paths_of_file(file))
