"""Bytes that go with a removal: noted before the ledger says so, so that a killed run's go too.

The note lies in the site, not in its state: that is a cache, and another machine has none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from index.files import sync_folder, write_text
from index.state.state import Known, State

NOTE = ".deleting"
"""Names of files whose bytes go, one a line; there only while a removal is under way."""


def noted(folder: Path) -> tuple[str, ...]:
    """The files of a site whose bytes are to go once nothing advertises them."""
    path = folder / NOTE
    return tuple(path.read_text(encoding="utf-8").split("\n")[:-1]) if path.is_file() else ()


def note(folder: Path, filenames: Iterable[str]) -> None:
    """Remember that the bytes of files go: before the ledger says that the files do."""
    _write(folder, {*noted(folder), *filenames})


def forget(folder: Path, filenames: Iterable[str]) -> None:
    """Their bytes stay after all."""
    _write(folder, {*noted(folder)}.difference(filenames))


def settle(folder: Path, state: State) -> None:
    """Forget what a killed run noted and never removed: it is still advertised."""
    names = noted(folder)
    if names:
        forget(folder, {name for name in names if _gone(state, name) is None})


def delete_noted(folder: Path, state: State) -> list[str]:
    """Delete the noted bytes of removed files that lie in the site; the names of what went.

    Called when the pages no longer name them. A file that is there again keeps its bytes.
    """
    names = noted(folder)
    if not names:
        return []
    from index.site.intake import METADATA_SUFFIX, PROVENANCE_SUFFIX  # few runs come here

    deleted = []
    for known in filter(None, (_gone(state, name) for name in names)):
        if "://" in known.url:
            continue
        target = folder / known.url
        for suffix in ("", METADATA_SUFFIX, PROVENANCE_SUFFIX):
            path = target.with_name(target.name + suffix)
            if path.is_file():
                path.unlink()
                deleted.append(path.name)
                sync_folder(path.parent)
    _write(folder, ())
    return deleted


def _gone(state: State, filename: str) -> Known | None:
    known = state.file(filename)
    return None if known is None or known.gone is None else known


def _write(folder: Path, filenames: Collection[str]) -> None:
    if set(filenames) == set(noted(folder)):
        return
    if filenames:
        write_text(folder / NOTE, "".join(f"{name}\n" for name in sorted(filenames)))
    else:
        (folder / NOTE).unlink()
