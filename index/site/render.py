"""Writing the pages that a change touched, and only where their bytes are others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.batches import BATCH, batched, spread
from index.ledger.plain import kept_add
from index.ledger.settings import Settings
from index.model import DEFAULT_ROOT, PROJECTS, File, in_order
from index.pages import hosting, simple_html, simple_json
from index.pages.escaping import Linked, linked
from index.pages.form import FORM, pages_form
from index.site.reading import AnyAdd, read_files
from index.site.site import Site
from index.site.writer import Writer, Written
from index.state.state import ALL_PAGES, LANDING_PAGE, PROJECT_PAGE, ROOT_PAGE, Place

if TYPE_CHECKING:
    from index.ledger import AnyEvent

ALONE = 64
"""Projects at most that one process writes the pages of; for more, every core does."""
PER_TASK = 8
"""Projects a worker takes at a time."""

Due = Callable[[Sequence[File]], "Sequence[AnyEvent]"]
"""What must be in the ledger before a project's pages are written: guards that come or go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the pages of every project need to know, besides its files."""

    folder: Path
    settings: Settings
    roots: dict[str, str]
    former: list[str]
    due: Due
    read: Callable[[bytes], AnyAdd | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """One project: its pages are written, or something is due before they can be."""

    name: str
    due: Sequence[AnyEvent] = ()
    written: Written
    unwanted: Sequence[str] = ()
    card: str | None = None


def render(
    site: Site,
    *,
    due: Due = lambda files: (),
    publish: Callable[[Sequence[AnyEvent]], object] = lambda events: None,
) -> Written:
    """Bring the pages to where the ledger is.

    Project pages come before the root pages that link to them, and pages that nothing links to any
    more go last, so that a kill at any moment leaves links that hold; the next run goes on where
    this one stopped.

    Args:
        site: The site, its events appended.
        due: Events a project's files call for before its pages are written.
        publish: Takes these events into the ledger.
    """
    form = pages_form()
    if site.state.get(FORM) != form:
        site.state.mark_stale(ALL_PAGES)
    stale = site.state.stale()
    if not stale:
        return Written()
    if site.settings.layout == "web" and site.cache is not None:
        from index.pages.templating import keep_compiled  # see _render_project

        keep_compiled(site.cache / "templates")
    everything = ALL_PAGES in stale
    changed = {page.removeprefix(ROOT_PAGE) for page in stale if page.startswith(ROOT_PAGE)}
    names = {page.removeprefix(PROJECT_PAGE) for page in stale if page.startswith(PROJECT_PAGE)}
    if everything:
        names.update(site.state.projects())
    landing = everything or LANDING_PAGE in stale
    former = _former_roots(site, _roots(site), site.state.labels() if everything else changed)
    writer = Writer(site.folder)
    gone: list[str] = []
    for outcome in _render_projects(site, sorted(names), former, due, publish):
        writer.done.add(outcome.written)
        gone += outcome.unwanted
        landing |= _note_card(site, outcome.name, outcome.card)
    roots = _roots(site)
    for root, cuda in roots.items():
        if everything or "" in changed or cuda in changed:
            gone += _render_root(writer, site, root, cuda)
    gone += _pages(former)
    if everything:
        gone += _left_over(site, [*roots, *former, PROJECTS])
    if landing:
        gone += _render_landing(writer, site)
    writer.done.pages.sort()
    writer.remove(sorted(gone, key=lambda path: (path.count("/"), path)))  # links before pages
    writer.finish()
    site.state.mark_fresh()
    site.state.set(FORM, form)
    site.state.commit()
    return writer.done


def _render_projects(
    site: Site,
    names: Sequence[str],
    former: list[str],
    due: Due,
    publish: Callable[[Sequence[AnyEvent]], object],
) -> Iterator[_Outcome]:
    """Write the pages of projects; where something is due first, it is published, and then they."""
    plan = _Plan(
        folder=site.folder,
        settings=site.settings,
        roots=_roots(site),
        former=former,
        due=due,
        read=_reader(site, len(names)),
    )
    waiting: list[str] = []
    events: list[AnyEvent] = []
    for outcome in _outcomes(site, plan, names):
        if not outcome.due:
            yield outcome
            continue
        waiting.append(outcome.name)
        events += outcome.due
        if len(events) >= BATCH:
            publish(events)
            events.clear()
    if events:
        publish(events)
    if waiting:
        yield from _outcomes(site, replace(plan, due=lambda files: ()), waiting)


def _outcomes(site: Site, plan: _Plan, names: Sequence[str]) -> Iterator[_Outcome]:
    def work(projects: Sequence[tuple[str, list[Place]]]) -> list[_Outcome]:
        return [_render_project(plan, name, places) for name, places in projects]

    tasks = (
        [(name, site.state.places_of(name)) for name in some] for some in batched(names, PER_TASK)
    )
    # A second process takes longer to start than the pages of some projects.
    for outcomes in spread(tasks, work, alone=0 if len(names) > ALONE else ALONE):
        yield from outcomes


def _reader(site: Site, projects: int) -> Callable[[bytes], AnyAdd | None]:
    """What reads the lines of so many projects; imported here, once for all processes."""
    if projects <= ALONE:
        return kept_add
    from index.swift import swift_add

    if site.settings.layout == "web":
        from index.pages import human as _  # noqa: F401 -- as in _render_project
    return swift_add


def _roots(site: Site) -> dict[str, str]:
    """The index roots: folder to CUDA label (empty: only files of no CUDA)."""
    roots = {label: label for label in site.state.roots()}
    default = site.settings.default_cuda or ""
    if default in roots or site.state.projects(""):
        roots[DEFAULT_ROOT] = default
    return roots


def _former_roots(site: Site, roots: dict[str, str], labels: Iterable[str]) -> list[str]:
    """Folders of index roots that are none any more, where they are still there."""
    gone = {DEFAULT_ROOT, *labels} - {"", *roots}
    return sorted(root for root in gone if (site.folder / root).is_dir())


def _render_project(plan: _Plan, name: str, places: Sequence[Place]) -> _Outcome:
    """Write a project's pages, unless something is due before."""
    files = in_order(read_files(plan.folder, places, plan.read))
    writer = Writer(plan.folder)
    due = plan.due(files)
    if due:
        return _Outcome(name=name, due=due, written=writer.done)
    at = [linked(file) for file in files]
    unwanted = [*_render_lists(writer, plan, name, files, at), *_pages(plan.former, name)]
    page = f"{PROJECTS}/{name}/index.html"
    card = None
    if files and plan.settings.layout == "web":
        from index.pages import human  # a template engine, which only these pages need

        shown = human.shown(name, files, at)
        writer.write(page, *human.page_parts(shown, plan.settings))
        card = human.card_of(shown)
    else:
        unwanted.append(page)
    return _Outcome(name=name, written=writer.done, unwanted=unwanted, card=card)


def _render_lists(
    writer: Writer, plan: _Plan, name: str, files: Sequence[File], at: Sequence[Linked]
) -> Iterator[str]:
    """Write what installers read of a project; yields the pages that are no longer wanted."""
    web, base_url = plan.settings.layout == "web", plan.settings.base_url
    # What is said of a file is the same in every root.
    linked = [*zip(files, at, strict=True)]
    links = [simple_html.file_link(file, where, base_url) for file, where in linked]
    parts = [simple_json.file_part(file, where, base_url) for file, where in linked] if web else []
    for root, cuda in plan.roots.items():
        html, json = _pages([root], name)
        listed = [number for number, file in enumerate(files) if file.cuda in (None, cuda)]
        if listed:
            writer.write(html, simple_html.page_of(name, [links[one] for one in listed]))
        else:
            yield html
        if listed and web:
            versions = [files[one].version for one in listed]
            page = simple_json.page_of(name, versions, [parts[one] for one in listed])
            writer.write(json, page)
        else:
            yield json


def _note_card(site: Site, name: str, card: str | None) -> bool:
    """Keep what the landing page shows of a project; whether it is something else now."""
    if site.state.card(name) == card:
        return False
    site.state.set_card(name, card)
    return True


def _render_root(writer: Writer, site: Site, root: str, cuda: str) -> Iterator[str]:
    """Write a root's pages; yields the one that is no longer wanted."""
    projects = site.state.projects(cuda)
    html, json = _pages([root])
    writer.write(html, simple_html.root_page(root, projects))
    if site.settings.layout == "web":
        writer.write(json, simple_json.root_json(projects))
    else:
        yield json


def _render_landing(writer: Writer, site: Site) -> Iterator[str]:
    """Write what stands at the top of the site; yields what a former layout left there."""
    from index.pages import human

    settings = site.settings
    written = set(hosting.files(settings))
    for path, data in hosting.files(settings).items():
        writer.write(path, data)
    if settings.layout == "web":
        for path, content in human.assets().items():
            writer.write(path, content)
        page = human.landing_parts(site.state.cards, site.state.roots(), settings)
        writer.write_parts("index.html", page)
    elif site.state.left_layout == "web":
        web = hosting.files(replace(settings, layout="web"))
        yield from sorted({"index.html", *human.assets(), *web} - written)


def _pages(roots: Sequence[str], project: str | None = None) -> list[str]:
    """The pages, HTML and JSON, of a project in each of these roots, or the roots' own."""
    folders = [root if project is None else f"{root}/{project}" for root in roots]
    return [f"{folder}/index.{form}" for folder in folders for form in ("html", "json")]


def _left_over(site: Site, folders: Sequence[str]) -> Iterator[str]:
    """Pages of projects that are there no more, found in the folders themselves."""
    live = set(site.state.projects())
    for folder in folders:
        if (site.folder / folder).is_dir():
            for project in sorted((site.folder / folder).iterdir()):
                if project.is_dir() and project.name not in live:
                    yield from _pages([folder], project.name)
