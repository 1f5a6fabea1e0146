"""What to paste to try a site that is served here: one line per root, read from its own pages."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from index.check.listed import Listed
from index.check.read_html import read_project_html
from index.lines import lines_for
from index.model import ASSETS, FILES, PROJECTS, ROOT_NAME
from index.serve.answer import HTML_PAGE

LOOKED_AT = 20
"""Projects of a root that are looked at for the one to name."""


def preview_lines(site: Path, base: str) -> Iterator[tuple[str, str]]:
    """The roots of a site, each with the pip line for one of its projects.

    A project with a guard goes first: the companions of others have none.

    Args:
        site: The site's folder.
        base: Its address without a slash at the end.
    """
    for root in roots_of(site):
        chosen = None
        for name in _first_projects(site / root):
            files = _files(site / root / name / HTML_PAGE)
            version = _newest_version(files)
            if version is None:
                continue
            guarded = any(not file.filename.endswith(".whl") for file in files)
            if chosen is None or guarded:
                chosen = (name, version)
            if guarded:
                break
        if chosen is not None:
            yield root, lines_for(f"{base}/{root}", *chosen).pip


def roots_of(site: Path) -> list[str]:
    """The folders of a site that are index roots, sorted."""
    others = {FILES, PROJECTS, ASSETS}
    return sorted(
        page.parent.name
        for page in site.glob(f"*/{HTML_PAGE}")
        if ROOT_NAME.fullmatch(page.parent.name) and page.parent.name not in others
    )


def _first_projects(root: Path) -> list[str]:
    # The folder is listed, and the root's page not read: that takes seconds for 100,000 projects.
    with os.scandir(root) as entries:
        return heapq.nsmallest(LOOKED_AT, (entry.name for entry in entries if entry.is_dir()))


def _files(page: Path) -> tuple[Listed, ...]:
    return read_project_html(page.read_bytes()).files if page.is_file() else ()


def _newest_version(files: tuple[Listed, ...]) -> str | None:
    for file in reversed(files):  # oldest version first
        try:
            version = parse_wheel_filename(file.filename)[1]
        except InvalidWheelFilename:
            continue
        if file.yanked is None:
            return str(version)
    return None
