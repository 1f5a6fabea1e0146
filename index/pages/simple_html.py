"""The HTML pages installers read (PEP 503, 592, 629, 658, 714, 740)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from index.addresses import link, provenance_url
from index.model import File, Project
from index.pages.escaping import for_installers as escape

REPOSITORY_VERSION = "1.4"
"""Of both forms; PEP 833 freezes HTML at it."""


def root_page(root: str, projects: Sequence[str]) -> str:
    """The list of a root's projects (normalised names, sorted)."""
    links = (f'<a href="{escape(name)}/">{escape(name)}</a>' for name in projects)
    return _page(f"Packages for {root}", links)


def project_page(project: Project, *, base_url: str | None = None) -> str:
    """The list of a project's files, in their order.

    Args:
        project: What to list.
        base_url: The site's own address, where it has one.
    """
    links = (_file_link(file, base_url) for file in project.files)
    return _page(f"Links for {project.name}", links)


def _file_link(file: File, base_url: str | None) -> str:
    # Written for each of 100,000 files: digests are hexadecimal digits, and need no quoting.
    said = f'<a href="{escape(link(file))}#sha256={file.sha256}"'
    if file.requires_python:
        said += f' data-requires-python="{_attribute(file.requires_python)}"'
    if file.metadata_sha256 is not None:
        # PEP 714's name first; installers from before it know only PEP 658's.
        digest = f'"sha256={file.metadata_sha256}"'
        said += f" data-core-metadata={digest} data-dist-info-metadata={digest}"
    if file.yanked is not None:
        said += f' data-yanked="{_attribute(file.yanked)}"'
    if file.provenance and (provenance := provenance_url(file, base_url)) is not None:
        said += f' data-provenance="{_attribute(provenance)}"'
    if file.uploaded is not None:
        said += f' data-upload-time="{_attribute(file.uploaded)}"'
    return f'{said} data-size="{file.size}">{escape(file.filename)}</a>'


@lru_cache(maxsize=1024)
def _attribute(value: str) -> str:
    # A newline would end the line-by-line reading some tools do.
    return escape(" ".join(value.split()) if "\n" in value or "\r" in value else value)


def _page(title: str, links: Iterable[str]) -> str:
    lines = "".join(f"    {line}<br>\n" for line in links)
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n'
        "  <head>\n"
        '    <meta charset="utf-8">\n'
        f'    <meta name="pypi:repository-version" content="{REPOSITORY_VERSION}">\n'
        f"    <title>{escape(title)}</title>\n"
        "  </head>\n"
        "  <body>\n"
        f"    <h1>{escape(title)}</h1>\n"
        f"{lines}"
        "  </body>\n"
        "</html>\n"
    )
