"""A whole folder of wheels compared with the ledger: what is new, what is missing, what differs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from index.batches import batched
from index.errors import EntryError
from index.facts import RECORD_SUFFIX
from index.naming import check_filename
from index.site.intake import plain_file, read_record_only
from index.site.site import Site
from index.wheels import sha256_file

LISTED = 20
"""Names in one error; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a folder holds, held against the ledger.

    Attributes:
        new: Wheels the ledger does not name, by file name.
        stamps: What these looked like when the folder was read, by file name.
        looks: What the whole folder looked like then.
        removed: Wheels that were removed from the index and still lie in the folder.
        same: How many are as the ledger has them.
    """

    new: tuple[str, ...]
    stamps: tuple[tuple[str, str], ...]
    looks: str
    removed: tuple[str, ...]
    same: int


def compare(site: Site, dist: Path, *, records_only: bool = False) -> Comparison:
    """Hold a folder against the ledger; a file that looks as it did then is not opened.

    Where all of them do, and nothing came or went in the index, they are not even looked up.

    Args:
        site: The site.
        dist: The folder of wheels with their records beside them.
        records_only: Whether a record with no wheel counts as a file.

    Raises:
        EntryError: a wheel the index has is missing or has other bytes; all of them are named.
    """
    folder = str(dist.resolve())
    count, looks = _looks(_listing(dist, records_only=records_only))
    if site.state.looks(folder) == looks:
        return Comparison(new=(), stamps=(), looks=looks, removed=(), same=count)
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
    if not found.new and not found.removed:
        site.state.set_looks(folder, looks)
    site.state.commit()
    return Comparison(
        new=tuple(name for name, _ in found.new),
        stamps=found.new,
        looks=looks,
        removed=found.removed,
        same=found.given - len(found.new) - len(found.removed),
    )


def _looks(listing: Iterable[tuple[str, str]]) -> tuple[int, str]:
    """How many files a folder has, and a digest over the name and stamp of each, as they come."""
    count, digest = 0, hashlib.sha256()
    for some in batched(listing):
        count += len(some)
        digest.update("".join([f"{name}\n{stamp}\n" for name, stamp in some]).encode())
    return count, digest.hexdigest()


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
