"""The pages people look at: the landing page and one page per project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from markupsafe import Markup

from index.batches import batched
from index.ledger.settings import Settings
from index.lines import root_url
from index.model import ASSETS, DEFAULT_ROOT, PROJECTS, File
from index.pages import gpus, headers, install, rows
from index.pages.escaping import for_people as escape
from index.pages.escaping import linked
from index.pages.offers import (
    UNKNOWN_BASE,
    Block,
    Offer,
    Offered,
    blocks,
)
from index.pages.shown import Shown, card, card_of, shown
from index.pages.templating import part, template

LINES_UP_TO = 200
"""Projects whose lines the landing page itself has; beyond, they are on the projects' pages."""
ASSET_NAMES = ("icon.svg", "site.css", "site.js")
_ROWS = "<!-- rows -->"
"""Stands in a page for the rows of a long list; what is filled in has no ``<``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One project on the landing page."""

    name: str
    href: str
    version: str
    summary: str
    cudas: tuple[str, ...]
    count: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One CUDA in the table of cards: how the offered file of it runs on each generation."""

    cuda: str
    supports: tuple[gpus.Support, ...]


Cards = Iterable[tuple[str, str]]
"""Name and card of every project, sorted."""


def landing_page(cards: Cards, roots: Sequence[str], settings: Settings) -> str:
    """The site's first page.

    Args:
        cards: Name and card of every project, sorted.
        roots: CUDA labels with files, sorted.
        settings: The site's settings.
    """
    listed = tuple(cards)
    return "".join(landing_parts(lambda: listed, roots, settings))


def landing_parts(
    cards: Callable[[], Cards], roots: Sequence[str], settings: Settings
) -> Iterator[str]:
    """The site's first page, part by part: as long as many projects are, no more is in memory.

    Args:
        cards: What gives name and card of every project, sorted, each time it is asked.
        roots: CUDA labels with files, sorted.
        settings: The site's settings.
    """
    companions = [
        (name, _address(name), about["companion_of"])
        for name, about in _facts(cards())
        if "companion_of" in about
    ]
    count = sum(1 for _ in cards()) - len(companions)
    compact = count > LINES_UP_TO
    items = [] if compact else list(_items(cards(), settings))
    labels = gpus.by_version(roots)
    default = [DEFAULT_ROOT] if settings.default_cuda in labels else []
    page = template("landing.html.j2").render(
        **_shared(settings, depth=0),
        items=items,
        rows=Markup(_ROWS),  # noqa: S704 - our own word
        picker=_picker(labels, settings, [item.blocks for item in items], help_at=""),
        count=count,
        compact=compact,
        roots=[(root, _root_note(root, settings)) for root in [*labels, *default]],
        drivers=_drivers(labels),
        companions=companions,
    )
    before, _, after = page.partition(_ROWS)
    yield before
    if compact:
        for some in batched(_facts(cards())):
            yield "".join(_compact(name, about) for name, about in some)
    yield after


def project_page(name: str, files: Sequence[File], settings: Settings) -> str:
    """A project's page: every file of every root, newest version first.

    Args:
        name: Project name.
        files: Its files, oldest version first.
        settings: The site's settings.
    """
    at = [linked(file) for file in files]
    return "".join(page_parts(shown(name, files, at), settings))


def page_parts(project: Shown, settings: Settings) -> tuple[str, str, str]:
    """A project's page: what comes before its files, these, and what comes after."""
    name = project.name
    # Nobody needs a companion on its own: what it stands beside brings it.
    wanted = () if project.companion_of else project.offered
    lines = tuple(blocks(name, wanted, settings.base_url, settings.pythons, known=project.known))
    page = template("project.html.j2").render(
        **_shared(settings, depth=2),
        name=name,
        about=headers.about(project.metadata),
        latest=project.latest if project.offered else "",
        blocks=lines,
        install=install.install(lines),
        picker=_picker(project.labels, settings, [lines], help_at="../../#which"),
        files=Markup(_ROWS),  # noqa: S704 - our own word
        table=_support_table(project.offered, project.known),
        companion_of=project.companion_of,
    )
    # Not filled in with the rest: a few words beyond ASCII would make all of it twice as long.
    before, _, after = page.partition(_ROWS)
    return before, rows.releases(project.files, project.at, project.latest), after


@cache
def assets() -> Mapping[str, bytes]:
    """Style and script by path relative to the site (``assets/…``)."""
    folder = Path(__file__).parent / "assets"
    return {f"{ASSETS}/{name}": (folder / name).read_bytes() for name in ASSET_NAMES}


def _shared(settings: Settings, *, depth: int) -> dict[str, object]:
    """What both pages are given; ``depth`` is how many folders they lie below the site."""
    return {
        "title": settings.title,
        "up": "../" * depth,
        "assets": f"{'../' * depth}{ASSETS}",
        "unknown_base": None if settings.base_url else UNKNOWN_BASE,
    }


def _support_table(offered: Sequence[Offer], known: Mapping[Offered, File]) -> Markup:
    """Which cards the newest offer of each CUDA runs on; nothing where no record says."""
    shown: dict[str, tuple[tuple[str, ...], str | None]] = {}
    for offer in offered:
        record = known[offer.cuda, offer.version].record
        if record is not None:
            shown.setdefault(gpus.cuda_name(offer.cuda), (record.architectures, record.ptx))
    return _table(tuple((cuda, *how) for cuda, how in shown.items() if any(how)))


@lru_cache(maxsize=1024)
def _table(shown: tuple[tuple[str, tuple[str, ...], str | None], ...]) -> Markup:
    if not shown:
        return Markup()
    generations = gpus.listed((code, ptx) for _, code, ptx in shown)
    columns = tuple(
        Column(cuda=cuda, supports=tuple(gpus.support(code, ptx, one.arch) for one in generations))
        for cuda, code, ptx in shown
    )
    return part("cards", generations, columns)


def _facts(cards: Cards) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, orjson.loads(text)) for name, text in cards)


def _compact(name: str, about: Mapping[str, Any]) -> str:
    """A project in a long list; nothing for a companion."""
    if "companion_of" in about:
        return ""
    return (
        f'<li><a href="{escape(_address(name))}">{escape(name)}</a> '
        f'<span class="version">{escape(about["latest"])}</span> '
        f'<span class="summary">{escape(about["summary"])}</span></li>\n'
    )


def _items(cards: Cards, settings: Settings) -> Iterator[Item]:
    for name, about in _facts(cards):
        if "companion_of" not in about:
            yield _item(name, about, settings)


def _item(name: str, facts: Mapping[str, Any], settings: Settings) -> Item:
    offered = [
        Offer(cuda=cuda, version=version, pythons=mask) for cuda, version, mask in facts["offers"]
    ]
    return Item(
        name=name,
        href=_address(name),
        version=facts["latest"],
        summary=facts["summary"],
        cudas=tuple(map(gpus.cuda_name, facts["cudas"])),
        count=f"{facts['files']} file" + "s" * (facts["files"] != 1),
        blocks=tuple(blocks(name, offered, settings.base_url, settings.pythons)),
    )


def _address(name: str) -> str:
    """A project's page, as seen from the landing page."""
    return f"{PROJECTS}/{quote(name, safe='')}/"


def _picker(
    labels: Sequence[str], settings: Settings, shown: Sequence[Sequence[Block]], *, help_at: str
) -> Markup:
    """The choice of CUDA and Python, at first the default CUDA, else the newest."""
    chosen = settings.default_cuda if settings.default_cuda in labels else "".join(labels[-1:])
    return part(
        "picker",
        tuple((label, gpus.cuda_name(label)) for label in labels),
        chosen,
        settings.pythons,
        _chosen_python(settings, shown),
        help_at,
    )


def _chosen_python(settings: Settings, shown: Sequence[Sequence[Block]]) -> str:
    """The Python that is picked before the visitor picks: the newest that most projects serve."""
    served = Counter(
        python for lines in shown for python in {one for line in lines for one in line.pythons}
    )
    numbered = enumerate(settings.pythons)
    return max(((served[one], number, one) for number, one in numbered), default=(0, 0, ""))[2]


def _root_note(root: str, settings: Settings) -> str:
    address = root_url(settings.base_url or UNKNOWN_BASE, None if root == DEFAULT_ROOT else root)
    label = settings.default_cuda if root == DEFAULT_ROOT else root
    return f"{gpus.cuda_name(label)}: {address}"


def _drivers(labels: Iterable[str]) -> list[tuple[str, str]]:
    """CUDA by name, and the oldest driver it runs on, where that is known."""
    return [
        (gpus.cuda_name(label), gpus.DRIVERS[gpus.cuda_version(label)[0]])
        for label in labels
        if gpus.cuda_version(label)[0] in gpus.DRIVERS
    ]


__all__ = [
    "Shown",
    "assets",
    "card",
    "card_of",
    "landing_page",
    "landing_parts",
    "page_parts",
    "project_page",
    "shown",
]
