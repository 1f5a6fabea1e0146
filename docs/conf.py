"""How Sphinx makes the pages: `nox -s docs`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ABOUT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))

project = "gpu-wheelhouse"
author = "the developers of gpu-wheelhouse"
release = version = _ABOUT["project"]["version"]
extensions = ["myst_parser"]
# Links to headings; with --nitpicky one that leads nowhere is an error, as is any other warning.
myst_heading_anchors = 3
_OUTSIDE = {"](../benchmarks/README.md": "](benchmarks.md", "](../CHANGELOG.md": "](changelog.md"}
"""Pages that lie elsewhere in the repository, and where they are included here."""

# Nothing comes from another host: the theme has fonts and scripts, and pages search by themselves.
html_theme = "pydata_sphinx_theme"
html_title = "gpu-wheelhouse"
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
templates_path = ["_templates"]
html_sidebars = {"**": ["pages.html"]}
html_theme_options = {
    "navbar_center": [],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["sphinx-version"],
    "footer_end": [],
}

linkcheck_ignore = [
    r".*\bOWNER\b.*",  # whoever forks
    r"https://SITE\..*",  # the same
    r"http://127\.0\.0\.1.*",  # the reader's own machine
    r"https?://([\w-]+\.)*example\.(org|com)\b.*",  # names that stand for somebody's
]
linkcheck_timeout = 30
linkcheck_retries = 3


def _inside(app: Sphinx, page: str, source: list[str]) -> None:
    """Lead links to pages outside this folder, right on GitHub, to where they are included."""
    for outside, inside in _OUTSIDE.items():
        source[0] = source[0].replace(outside, inside)


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", _inside)
