"""The state's file: opened, made anew where it is damaged, and its faults told as ours."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from index.errors import SiteError

CACHE_KB = 2_000
"""Of the file's pages, kept in memory at most."""
CACHE_FOR_MANY_KB = 16_000
"""The same where files come by the hundred, and in no order."""


@contextlib.contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A database in a file; one that is damaged goes, and is made anew.

    Raises:
        SiteError: the file cannot be read or written, or turned out to be damaged later on; it is
            gone then, and the next run makes it anew.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.closing(_connect_anew(path)) as database:
            yield database
    except sqlite3.DatabaseError as error:
        remedy = "make room there, or use another cache folder"
        if _is_damage(error):
            _delete(path)
            remedy = "run the command again: the cache is made anew from the ledger"
        raise SiteError(f"the index's cache '{path}': {error}", remedy=remedy) from error


def expect_many(database: sqlite3.Connection) -> None:
    """Take more memory: hundreds of files are about to be looked up or written."""
    database.execute(f"PRAGMA cache_size = -{CACHE_FOR_MANY_KB}")


def _connect_anew(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        _delete(path)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    fresh = not path.exists()
    database = sqlite3.connect(path, isolation_level="DEFERRED", timeout=60)
    try:
        # A power cut may take the last changes, which the ledger still has, but breaks nothing.
        # Where there was nothing before, a write-ahead log would have all of it written twice.
        database.execute(f"PRAGMA journal_mode = {'DELETE' if fresh else 'WAL'}")
        database.execute(f"PRAGMA synchronous = {'FULL' if fresh else 'NORMAL'}")
        database.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    damage = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in damage


def _delete(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
