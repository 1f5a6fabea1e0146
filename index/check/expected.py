"""What a ledger implies: roots, pages, files, and everything else that belongs into the site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from index.ledger import HEAD_NAME, LEDGER_NAME, Settings
from index.model import DEFAULT_ROOT, PROJECTS, File, in_root
from index.pages import hosting, human
from index.site.deleting import NOTE
from index.site.site import LOCK_NAME
from index.state.state import State

METADATA_SUFFIX = ".metadata"
PROVENANCE_SUFFIX = ".provenance"
PAGE = "index.html"
JSON_PAGE = "index.json"
ALWAYS = frozenset({LEDGER_NAME, HEAD_NAME, LOCK_NAME, NOTE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One project in one root.

    Attributes:
        root: Folder of the root.
        name: Project.
        files: What its pages list, oldest version first.
    """

    root: str
    name: str
    files: tuple[File, ...]

    @property
    def html(self) -> str:
        """Path of its HTML page."""
        return f"{self.root}/{self.name}/{PAGE}"

    @property
    def json(self) -> str:
        """Path of its JSON page."""
        return f"{self.root}/{self.name}/{JSON_PAGE}"


def roots_of(state: State) -> dict[str, str]:
    """The index roots: folder to CUDA label (empty: only files of no CUDA)."""
    roots = {label: label for label in state.roots()}
    default = state.settings.default_cuda or ""
    if default in roots or state.projects(""):
        roots[DEFAULT_ROOT] = default
    return roots


def listings_of(name: str, files: tuple[File, ...], roots: Mapping[str, str]) -> Iterator[Listing]:
    """A project in every root that shows it."""
    for root, cuda in roots.items():
        listed = in_root(files, cuda)
        if listed:
            yield Listing(root=root, name=name, files=listed)


def paths_of_file(file: File) -> Iterator[str]:
    """A file and what lies beside it; relative to the site, or absolute addresses."""
    yield file.url
    if file.metadata_sha256 is not None:
        yield file.url + METADATA_SUFFIX
    if file.provenance:
        yield file.url + PROVENANCE_SUFFIX


def people_page(name: str) -> str:
    """Path of a project's page for people."""
    return f"{PROJECTS}/{name}/{PAGE}"


def shared_files(settings: Settings) -> dict[str, bytes]:
    """Style, script and notes for hosts: what they hold, by path."""
    found = {path: text.encode() for path, text in hosting.files(settings).items()}
    if settings.layout == "web":
        found.update(human.assets())
    return found
