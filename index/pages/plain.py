"""A whole index of simple pages in memory, for one that is served and forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from index.addresses import check_url
from index.consistent import check_record
from index.errors import EntryError
from index.model import DEFAULT_ROOT, File, Project, in_order, in_root
from index.naming import twin_key, twins
from index.pages.simple_html import project_page, root_page


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One text file of the site: its path relative to the site, and its content."""

    path: str
    content: str


def simple_pages(files: Iterable[File], *, default_cuda: str | None = None) -> Iterator[Page]:
    """Metadata, then project pages, then root pages: what a page names is there before it is.

    A root per CUDA, and ``simple`` for the default CUDA (or, where none is set, for files of none).

    Raises:
        EntryError: a record contradicts itself, or two files cannot stand side by side.
    """
    listed = in_order(files)
    _check(listed)
    labels = sorted({file.cuda for file in listed if file.cuda is not None})
    roots: dict[str, str | None] = {label: label for label in labels}
    if default_cuda in labels or any(file.cuda is None for file in listed):
        roots[DEFAULT_ROOT] = default_cuda
    for file in listed:
        if file.record is not None:
            yield Page(path=f"{file.url}.metadata", content=file.record.metadata)
    for root, cuda in sorted(roots.items()):
        projects: dict[str, list[File]] = {}
        for file in in_root(listed, cuda):
            projects.setdefault(file.name, []).append(file)
        for name in sorted(projects):
            page = project_page(Project(name=name, files=tuple(projects[name])))
            yield Page(path=f"{root}/{name}/index.html", content=page)
        yield Page(path=f"{root}/index.html", content=root_page(root, sorted(projects)))


def _check(files: Iterable[File]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        if file.record is not None:
            check_record(file.record)
        check_url(file.url)
        name = file.filename
        key = twin_key(name)
        if key in seen:
            twin = seen[key]
            raise EntryError(f"'{name}' is there twice" if twin == name else twins(name, twin))
        seen[key] = name
