"""The HTML pages installers read (PEP 503, 592, 629, 658, 714): pure text, same in, same out."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from index.model import Entry, Project, Root, link

REPOSITORY_VERSION = "1.1"
"""PEP 700's version; in HTML it is the same form as 1.0. PEP 833 freezes HTML at 1.4."""


def root_page(root: Root) -> str:
    """The list of a root's projects."""
    links = (
        f'<a href="{escape(project.name)}/">{escape(project.name)}</a>' for project in root.projects
    )
    return _page(f"Packages for {root.name}", links)


def project_page(project: Project, *, files_url: str | None = None) -> str:
    """The list of a project's files.

    Args:
        project: The files, in order.
        files_url: The folder the files lie in, where it is not the site's own.
    """
    links = (_file_link(entry, files_url) for entry in project.files)
    return _page(f"Links for {project.name}", links)


def _file_link(entry: Entry, files_url: str | None) -> str:
    record = entry.record
    attributes = {"href": f"{link(entry, files_url=files_url)}#sha256={record.sha256}"}
    if record.requires_python:
        attributes["data-requires-python"] = record.requires_python
    # PEP 714's name first; installers from before it know only PEP 658's.
    attributes["data-core-metadata"] = f"sha256={record.metadata_sha256}"
    attributes["data-dist-info-metadata"] = f"sha256={record.metadata_sha256}"
    if entry.yanked is not None:
        attributes["data-yanked"] = entry.yanked
    if entry.uploaded is not None:
        attributes["data-upload-time"] = entry.uploaded
    attributes["data-size"] = str(record.size)
    text = " ".join(f'{name}="{_attribute(value)}"' for name, value in attributes.items())
    return f"<a {text}>{escape(record.filename)}</a>"


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
