"""Writing the site: metadata and wheels first, pages last, and only what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from index.errors import EntryError
from index.files import copy_file, write_bytes
from index.html import project_page, root_page
from index.model import FILES, Entry, make_roots
from index.records import Record
from index.wheels import sha256_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One text file of the site: its path relative to the site, and its content."""

    path: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What a rendering did: paths relative to the site."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]


def render_pages(
    entries: Iterable[Entry],
    *,
    files_url: str | None = None,
    default_cuda: str | None = None,
) -> Iterator[Page]:
    """Every text file of the site, in the order it must be written.

    Metadata comes first, then projects, then roots: what a page names is there before the page is.

    Args:
        entries: The files to advertise.
        files_url: The folder the wheels (and their metadata) are fetched from, where it is not the
            site's own ``files/``.
        default_cuda: The CUDA whose files ``/simple/`` has.

    Raises:
        EntryError: a record contradicts itself, or two files cannot stand side by side.
    """
    listed = sorted(entries, key=lambda entry: entry.record.filename)
    roots = make_roots(listed, default_cuda=default_cuda)
    for entry in listed:
        yield Page(path=f"{FILES}/{entry.record.filename}.metadata", content=entry.record.metadata)
    for root in roots:
        for project in root.projects:
            yield Page(
                path=f"{root.name}/{project.name}/index.html",
                content=project_page(project, files_url=files_url),
            )
    for root in roots:
        yield Page(path=f"{root.name}/index.html", content=root_page(root))


def render_site(
    entries: Iterable[Entry],
    site: Path,
    *,
    wheels: Path | None = None,
    files_url: str | None = None,
    default_cuda: str | None = None,
) -> Rendered:
    """Write the site into a folder; a file whose bytes are right already is not touched.

    Args:
        entries: The files to advertise.
        site: The folder; made where it is missing.
        wheels: The folder to copy wheels from (checked by size and hash on the way); None leaves
            placing them to the caller.
        files_url: See `render_pages`.
        default_cuda: See `render_pages`.

    Raises:
        EntryError: a record contradicts itself or its wheel, or a wheel is missing.
    """
    listed = tuple(entries)
    pages = tuple(
        render_pages(listed, files_url=files_url, default_cuda=default_cuda)
    )  # all of it is checked before the first byte is written
    written: list[str] = []
    unchanged: list[str] = []
    if wheels is not None:
        for entry in listed:
            placed = place_wheel(entry.record, wheels, site / FILES)
            (written if placed else unchanged).append(f"{FILES}/{entry.record.filename}")
    for page in pages:
        changed = _write_if_changed(site / page.path, page.content.encode())
        (written if changed else unchanged).append(page.path)
    return Rendered(written=tuple(written), unchanged=tuple(unchanged))


def place_wheel(record: Record, source: Path, into: Path) -> bool:
    """Copy one wheel into the site's files, whole and with the recorded hash.

    Returns:
        Whether anything was written.

    Raises:
        EntryError: the wheel is missing, or is not the one recorded; a file of the same name but
            with other bytes is in the site.
    """
    wheel, placed = source / record.filename, into / record.filename
    if placed.is_file():
        check_wheel(record, placed)
        return False
    if not wheel.is_file():
        raise EntryError(f"{record.filename}: no such wheel in '{source}'")
    check_wheel(record, wheel)
    copy_file(wheel, placed)
    return True


def check_wheel(record: Record, wheel: Path) -> None:
    """Refuse a wheel that is not the recorded one, byte for byte.

    Raises:
        EntryError: its size or sha256 is another.
    """
    size = wheel.stat().st_size
    if size != record.size:
        raise EntryError(f"{wheel.name}: {size} bytes, its record says {record.size}")
    digest = sha256_file(wheel)
    if digest != record.sha256:
        raise EntryError(f"{wheel.name}: sha256 {digest}, its record says {record.sha256}")


def page_contents(pages: Iterable[Page]) -> Mapping[str, bytes]:
    """The pages as bytes by path: a site that is served without being written."""
    return {page.path: page.content.encode() for page in pages}


def _write_if_changed(path: Path, data: bytes) -> bool:
    if path.is_file() and path.read_bytes() == data:
        return False
    write_bytes(path, data)
    return True
