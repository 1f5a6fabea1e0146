"""A whole folder of wheels compared with the ledger: what is new, what is missing, what differs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from index.batches import batched, spread
from index.errors import EntryError
from index.facts import RECORD_SUFFIX
from index.model import check_filename
from index.site.intake import Candidate, plain_file, read_candidate, read_record_only
from index.site.site import Site
from index.wheels import sha256_file

LISTED = 20
"""Names in one error; the rest is counted."""
PER_TASK = 16
"""New files read, hashed and checked at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a folder holds, held against the ledger.

    Attributes:
        new: Wheels the ledger does not name, by file name.
        stamps: What these looked like when the folder was read, by file name.
        removed: Wheels that were removed from the index and still lie in the folder.
        same: How many are as the ledger has them.
    """

    new: tuple[str, ...]
    stamps: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    same: int


def compare(site: Site, dist: Path, *, records_only: bool = False) -> Comparison:
    """Hold a folder against the ledger; a file that looks as it did then is not opened.

    Args:
        site: The site.
        dist: The folder of wheels with their records beside them.
        records_only: Whether a record with no wheel counts as a file.

    Raises:
        EntryError: a wheel the index has is missing or has other bytes; all of them are named.
    """
    folder = str(dist.resolve())
    found = site.state.compare(folder, lambda: _listing(dist, records_only=records_only))
    problems = [f"{name}: in the index, not in '{dist}'" for name in found.missing]
    changed: list[tuple[str, str]] = []
    for name, stamp, sha256 in found.unsure:
        if _digest(dist, name) == sha256:
            changed.append((name, stamp))
        else:
            problems.append(f"{name}: other bytes than the index has")
    if problems:
        raise refusal(problems)
    if changed:
        site.state.set_stamps(folder, changed)
        site.state.commit()
    return Comparison(
        new=tuple(name for name, _ in found.new),
        stamps=found.new,
        removed=found.removed,
        same=found.given - len(found.new) - len(found.removed),
    )


def candidates(
    dist: Path, names: Iterable[str], step: Callable[[int], None]
) -> Iterator[Candidate]:
    """The new files of a folder, each read and checked.

    Raises:
        EntryError: some are not what they say they are; all of them are named, after the last.
    """
    problems: list[str] = []
    number = 0
    for some in spread(batched(names, PER_TASK), partial(_read, dist), alone=1):
        for one in some:
            number += 1
            step(number)
            if isinstance(one, str):
                problems.append(one)
            else:
                yield one
    if problems:
        raise refusal(problems)


def _read(dist: Path, names: Iterable[str]) -> list[Candidate | str]:
    """Some new files, or what is wrong with each."""
    found: list[Candidate | str] = []
    for name in names:
        wheel = dist / name
        try:
            if wheel.exists() or wheel.is_symlink():
                found.append(read_candidate(wheel))
            else:
                found.append(read_record_only(dist / (name + RECORD_SUFFIX)))
        except EntryError as error:
            found.append(error.message)
    return found


def _listing(dist: Path, *, records_only: bool) -> Iterator[tuple[str, str]]:
    suffix = ".whl" + RECORD_SUFFIX
    try:
        folder = os.open(dist, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError as error:
        raise EntryError(f"there is no folder '{dist}'") from error
    try:
        # By the open folder: the path to it is not walked again for each of its files.
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(".whl"):
                    check_filename(name)
                    if entry.is_symlink():
                        plain_file(dist / name)
                    yield name, _stamp(entry.stat())
                elif records_only and name.endswith(suffix):
                    wheel = name.removesuffix(RECORD_SUFFIX)
                    if not os.access(wheel, os.F_OK, dir_fd=folder, follow_symlinks=False):
                        yield wheel, _stamp(entry.stat())
    finally:
        os.close(folder)


def _digest(dist: Path, name: str) -> str:
    wheel = dist / name
    if wheel.is_file():
        return sha256_file(wheel)
    return read_record_only(dist / (name + RECORD_SUFFIX)).record.sha256


def _stamp(found: os.stat_result) -> str:
    # With ctime, which nobody can set: other bytes with the old size and time show.
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"


def refusal(found: Iterable[str]) -> EntryError:
    """One error for all that is not as the index needs it, the first of them named."""
    problems = list(found)
    more = len(problems) - LISTED
    lines = [*problems[:LISTED], *([f"… and {more} more"] if more > 0 else [])]
    return EntryError(
        "\n  ".join([f"{len(problems)} files are not as the index needs them:", *lines]),
        remedy="files leave an index by `builder index yank` and `remove` alone; "
        "`builder index add` takes in some wheels without the rest",
    )
