"""The HTML pages installers read (PEP 503, 592, 629, 658, 714, 740)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from index.addresses import provenance_url
from index.model import File, Project
from index.pages.escaping import Linked, linked
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
    links = [file_link(file, linked(file), base_url) for file in project.files]
    return page_of(project.name, links)


def page_of(name: str, links: Iterable[str]) -> str:
    """The page of a project whose files' links are these."""
    return _page(f"Links for {name}", links)


def file_link(file: File, at: Linked, base_url: str | None = None) -> str:
    """A file's link, the same in every root that lists it.

    Args:
        file: What it leads to.
        at: Its address and name.
        base_url: The site's own address, where it has one.
    """
    # Written for each of 100,000 files: digests are hexadecimal digits, and need no quoting.
    href, name, plain = at
    if not plain:
        href, name = escape(href), escape(name)
    needs = digests = yanked = attested = uploaded = ""
    if file.requires_python:
        needs = _requires(file.requires_python)
    if (metadata := file.metadata_sha256) is not None:
        # PEP 714's name first; installers from before it know only PEP 658's.
        digests = (
            f' data-core-metadata="sha256={metadata}" data-dist-info-metadata="sha256={metadata}"'
        )
    if file.yanked is not None:
        yanked = f' data-yanked="{_attribute(file.yanked)}"'
    if file.provenance and (provenance := provenance_url(file, base_url)) is not None:
        attested = f' data-provenance="{_attribute(provenance)}"'
    if file.uploaded is not None:
        uploaded = _uploaded(file.uploaded)
    return (
        f'<a href="{href}#sha256={file.sha256}"{needs}{digests}{yanked}{attested}{uploaded}'
        f' data-size="{file.size}">{name}</a>'
    )


@lru_cache(maxsize=256)
def _requires(value: str) -> str:
    return f' data-requires-python="{_attribute(value)}"'


@lru_cache(maxsize=256)
def _uploaded(value: str) -> str:
    return f' data-upload-time="{_attribute(value)}"'


def _attribute(value: str) -> str:
    # A newline would end the line-by-line reading some tools do.
    return escape(" ".join(value.split()) if "\n" in value or "\r" in value else value)


def _page(title: str, links: Iterable[str]) -> str:
    lines = "".join([f"    {line}<br>\n" for line in links])
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
