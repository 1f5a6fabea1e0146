"""What a published folder has of the site's past: only paths the index itself once wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from index.ledger import Settings
from index.model import DEFAULT_ROOT, PROJECTS
from index.pages import hosting, human
from index.site.intake import METADATA_SUFFIX, PROVENANCE_SUFFIX
from index.state.state import State

_BESIDE = ("", METADATA_SUFFIX, PROVENANCE_SUFFIX)


def vanished(state: State, site: Path, folder: Path) -> Iterator[str]:
    """Files that ``folder`` has and the site no longer: pages first, then removed wheels.

    A wheel goes only where the ledger says that it was removed, and its bytes were deleted here
    too; one that the ledger names stays, whatever else is there.
    """
    for path in dict.fromkeys(_pages(state)):
        if (folder / path).is_file() and not (site / path).exists():
            yield path
    live = {known.url for known in state.all_files()}
    for known in state.all_files(gone=True):
        if known.gone is None or known.url in live or "://" in known.url:
            continue
        if known.url.startswith("../"):
            continue
        for suffix in _BESIDE:
            path = known.url + suffix
            if (folder / path).is_file() and not (site / path).exists():
                yield path


def _pages(state: State) -> Iterator[str]:
    """Every page the index may ever have written, those of one project after the other."""
    names = sorted({known.name for known in state.all_files(gone=True)})
    roots = sorted({DEFAULT_ROOT, *state.labels()})
    for name in names:
        for root in roots:
            yield f"{root}/{name}/index.html"
            yield f"{root}/{name}/index.json"
        yield f"{PROJECTS}/{name}/index.html"
    for root in roots:
        yield f"{root}/index.html"
        yield f"{root}/index.json"
    if state.left_layout == "web":
        yield from human.assets()
        yield from hosting.files(Settings(layout="web"))
        yield "index.html"
