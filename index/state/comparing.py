"""A whole folder held against the state, some hundred files at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from index.batches import batched
from index.naming import twin_key
from index.state.database import expect_many
from index.state.known import Given


def compare(
    database: sqlite3.Connection,
    folder: str,
    listing: Callable[[], Iterable[tuple[str, str]]],
) -> Given:
    """Hold a folder's files against those that are there (see `State.compare`)."""
    expect_many(database)
    given = there = 0
    new: list[tuple[str, str]] = []
    removed: list[str] = []
    unsure: list[tuple[str, str, str]] = []
    for batch in batched(listing()):
        given += len(batch)
        stamps = _stamps(database, folder, [name for name, _ in batch])
        other = [(name, stamp) for name, stamp in batch if stamps.get(name) != stamp]
        there += len(batch) - len(other)
        files = _files(database, [name for name, _ in other])
        for name, stamp in other:
            if name not in files:
                new.append((name, stamp))
                continue
            sha256, gone = files[name]
            if gone is None:
                there += 1
                unsure.append((name, stamp, sha256))
            else:
                removed.append(name)
    return Given(
        given=given,
        new=tuple(sorted(new)),
        removed=tuple(sorted(removed)),
        unsure=tuple(sorted(unsure)),
        missing=() if there == count_wheels(database) else tuple(_missing(database, listing())),
    )


def _stamps(database: sqlite3.Connection, folder: str, names: Sequence[str]) -> dict[str, str]:
    """What files looked like when they were last compared; those that went have no stamp."""
    query = f"SELECT filename, stamp FROM seen WHERE folder = ? AND filename IN ({_marks(names)})"  # noqa: S608 -- marks only
    return dict(database.execute(query, (folder, *names)))


def _files(database: sqlite3.Connection, names: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    query = f"SELECT filename, sha256, gone FROM file WHERE folded IN ({_marks(names)})"  # noqa: S608 -- marks only
    keys = [twin_key(name) for name in names]
    return {name: (sha256, gone) for name, sha256, gone in database.execute(query, keys)}


def count_wheels(database: sqlite3.Connection) -> int:
    """How many wheels are there."""
    query = "SELECT coalesce(sum(wheels), 0) FROM listed"
    return int(database.execute(query).fetchone()[0])


def _missing(database: sqlite3.Connection, listing: Iterable[tuple[str, str]]) -> Iterable[str]:
    """The wheels that are there and not in the folder, sorted."""
    database.execute("CREATE TEMP TABLE IF NOT EXISTS given (filename TEXT PRIMARY KEY)")
    database.execute("DELETE FROM given")
    names = ((name,) for name, _ in listing)
    database.executemany("INSERT OR IGNORE INTO given VALUES (?)", names)
    query = (
        "SELECT filename FROM file WHERE kind = 'wheel' AND gone IS NULL"
        " AND filename NOT IN (SELECT filename FROM given) ORDER BY 1"
    )
    return [row[0] for row in database.execute(query)]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
