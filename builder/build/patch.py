"""Applying patches exactly: no fuzz, no offset, no ``patch`` program.

Bytes are read as Latin-1, so any encoding and any line ending go through unchanged; a patch for a
file with CRLF lines must have them too.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from builder.errors import RecipeError
from index.files import write_bytes

NOTHING = "/dev/null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One file's whole new content, or None where the patch deletes it."""

    path: PurePosixPath
    content: bytes | None


def apply_patch(patch: Path, tree: Path) -> tuple[str, ...]:
    """Apply ``patch`` with ``-p1`` to the folder ``tree``; all of it or nothing.

    Returns:
        The files changed, relative to ``tree``, in the patch's order.

    Raises:
        RecipeError: it does not parse, or does not fit exactly; names patch, file and hunk.
    """
    edits = plan_edits(patch.read_bytes(), tree, name=patch.name)
    for edit in edits:
        target = tree / edit.path
        if edit.content is None:
            target.unlink()
            continue
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        # Not flushed to disk, no more than the tree it changes.
        write_bytes(target, edit.content, mode=mode, flush=False)
    return tuple(str(edit.path) for edit in edits)


def plan_edits(text: bytes, tree: Path, *, name: str) -> tuple[Edit, ...]:
    """What applying the patch would write; reads ``tree`` and changes nothing.

    Raises:
        RecipeError: see `apply_patch`.
    """
    try:
        parsed = PatchSet(io.StringIO(text.decode("latin-1"), newline="\n"))
    except UnidiffParseError as error:
        raise RecipeError(f"{name}: not a readable patch: {error}") from error
    if not parsed:
        raise RecipeError(f"{name}: the patch changes nothing")
    edits: list[Edit] = []
    seen: set[PurePosixPath] = set()
    for file in parsed:
        edit = plan_file(file, tree, name=name)
        if edit.path in seen:
            raise RecipeError(f"{name}: {edit.path} stands in it twice; make it one section")
        seen.add(edit.path)
        edits.append(edit)
    return tuple(edits)


def plan_file(file: PatchedFile, tree: Path, *, name: str) -> Edit:
    """One file section of a patch, applied in memory."""
    if file.is_binary_file or file.is_rename or not file:
        raise RecipeError(
            f"{name}: {file.path}: binary changes, renames and mode changes are not applied",
            remedy="write a rename as one deleted and one added file (git diff --no-renames)",
        )
    added, removed = file.source_file == NOTHING, file.target_file == NOTHING
    path = inside(file.target_file if added else file.source_file, tree, name=name)
    if not added and not removed and inside(file.target_file, tree, name=name) != path:
        raise RecipeError(f"{name}: {path}: its two names differ ({file.target_file})")
    target = tree / path
    if added:
        if target.exists():
            raise RecipeError(f"{name}: {path}: is to be added but is there already")
        old: list[str] = []
    else:
        if not target.is_file():
            raise RecipeError(f"{name}: {path}: no such file in the source")
        old = split(target.read_bytes().decode("latin-1"))
    new = apply_hunks(old, list(file), where=f"{name}: {path}")
    if removed and new:
        raise RecipeError(f"{name}: {path}: is to be deleted, but {len(new)} lines would be left")
    return Edit(path=path, content=None if removed else "".join(new).encode("latin-1"))


def inside(written: str, tree: Path, *, name: str) -> PurePosixPath:
    """The path without its first part (``-p1``), refused where it leads out of ``tree``."""
    parts = PurePosixPath(written).parts[1:]
    path = PurePosixPath(*parts)
    if not parts or ".." in PurePosixPath(written).parts or written.startswith("/"):
        raise RecipeError(f"{name}: '{written}' is not a path inside the source (patches are -p1)")
    if not (tree / path).resolve().is_relative_to(tree.resolve()):
        raise RecipeError(f"{name}: '{written}' leads out of the source through a link")
    return path


def apply_hunks(old: list[str], hunks: list[Hunk], *, where: str) -> list[str]:
    """The new lines of one file.

    Raises:
        RecipeError: a hunk does not stand exactly where it says.
    """
    new: list[str] = []
    position = 0
    for number, hunk in enumerate(hunks, 1):
        before, after = sides(hunk)
        # A hunk that only adds counts from the line before it.
        start = hunk.source_start - 1 if before else hunk.source_start
        place = f"{where}: hunk {number} (line {hunk.source_start})"
        if start < position:
            raise RecipeError(f"{place}: lies before the end of the hunk above it")
        new += old[position:start]
        found = old[start : start + len(before)]
        if found != before:
            raise RecipeError(
                f"{place} does not fit: {difference(before, found, start)}",
                remedy="make the patch again from this very source; nothing is applied by guess",
            )
        new += after
        position = start + len(before)
    return new + old[position:]


def sides(hunk: Hunk) -> tuple[list[str], list[str]]:
    """The lines a hunk expects and the lines it leaves, without a newline where it says so."""
    before: list[str] = []
    after: list[str] = []
    ends: list[list[str]] = []
    for line in hunk:
        if line.is_context or line.is_removed or line.is_added:
            ends = ([] if line.is_added else [before]) + ([] if line.is_removed else [after])
            for lines in ends:
                lines.append(line.value)
        else:  # "\\ No newline at end of file" is about the line above it
            for lines in ends:
                lines[-1] = lines[-1].removesuffix("\n")
    return before, after


def split(text: str) -> list[str]:
    """Lines with their ends, split at line feeds only."""
    return io.StringIO(text, newline="\n").readlines()


def difference(expected: list[str], found: list[str], start: int) -> str:
    """The first line in which the source is not what the patch expects."""
    for offset, line in enumerate(expected):
        have = found[offset] if offset < len(found) else None
        if have != line:
            shown = "the end of the file" if have is None else repr(have)
            return f"line {start + offset + 1} should be {line!r} and is {shown}"
    return "it differs"
