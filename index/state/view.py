"""What can be asked of the state: files, projects, roots, pages that are no longer right."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from index.batches import batched
from index.errors import EntryError
from index.ledger.head import EMPTY, Head
from index.ledger.settings import Settings
from index.naming import twin_key, twins
from index.state.comparing import compare, count_wheels
from index.state.known import COLUMNS, Given, Known, Place

Taken: TypeAlias = "tuple[str, str, str | None]"
"""File name, sha256, and why the file is gone or None."""


LOOKS = "looks of "
"""Begins the names of the notes of what folders looked like."""


class View:
    """Reads the tables; `State` changes them."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @property
    def head(self) -> Head:
        """How far the ledger has been applied."""
        text = self.get("head")
        return EMPTY if text is None else Head.parse(text)

    @property
    def settings(self) -> Settings:
        """The newest settings, or the default ones."""
        text = self.get("settings")
        return Settings() if text is None else Settings.kept(text)

    def get(self, key: str) -> str | None:
        """A remembered value, or None."""
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def file(self, filename: str) -> Known | None:
        """The file of that name, there or gone."""
        key = twin_key(filename)
        return next(self._files("WHERE folded = ? AND filename = ?", key, filename), None)

    def files_of(self, name: str) -> list[Known]:
        """A project's files that are there, by file name."""
        where = "WHERE folded >= ? AND folded < ? AND gone IS NULL ORDER BY filename"
        return list(self._files(where, *project_keys(name)))

    def places_of(self, name: str) -> list[Place]:
        """Where the ledger has a project's files that are there, by file name."""
        query = (
            "SELECT filename, kind, yanked, start, length FROM file"
            " WHERE folded >= ? AND folded < ? AND gone IS NULL ORDER BY filename"
        )
        return [Place._make(row) for row in self._database.execute(query, project_keys(name))]

    def all_files(self, *, gone: bool = False) -> Iterator[Known]:
        """Every file that is there, by project and file name; with ``gone`` the removed ones too.

        Nothing may be changed meanwhile.
        """
        files = self._files("ORDER BY folded" if gone else "WHERE gone IS NULL ORDER BY folded")
        for _, some in groupby(files, lambda file: file.name):
            yield from sorted(some, key=lambda file: file.filename)

    def count(self) -> int:
        """How many files are there."""
        (total,) = self._database.execute("SELECT coalesce(sum(files), 0) FROM listed").fetchone()
        return int(total)

    def count_wheels(self) -> int:
        """How many wheels are there, guards left out."""
        return count_wheels(self._database)

    def roots(self) -> list[str]:
        """CUDA labels with at least one file, sorted; files of no CUDA make none."""
        rows = self._database.execute(
            "SELECT DISTINCT cuda FROM listed WHERE cuda <> '' ORDER BY cuda"
        )
        return [row[0] for row in rows]

    def projects(self, cuda: str | None = None) -> list[str]:
        """Names of the projects with files, sorted: all of them, or those a root shows."""
        if cuda is None:
            rows = self._database.execute("SELECT DISTINCT name FROM listed ORDER BY name")
        else:
            rows = self._database.execute(
                "SELECT DISTINCT name FROM listed WHERE cuda IN (?, '') ORDER BY name", (cuda,)
            )
        return [row[0] for row in rows]

    def labels(self) -> list[str]:
        """Every CUDA label the ledger ever named, sorted; their files may be gone."""
        rows = self._database.execute("SELECT DISTINCT cuda FROM file WHERE cuda <> '' ORDER BY 1")
        return [row[0] for row in rows]

    @property
    def left_layout(self) -> str | None:
        """The layout the site had before it changed to the one it has, where it did."""
        return self.get("left_layout")

    def stale(self) -> list[str]:
        """The pages that must be looked at again."""
        return [row[0] for row in self._database.execute("SELECT page FROM stale ORDER BY page")]

    def cards(self) -> Iterator[tuple[str, str]]:
        """What the landing page shows of each project: name and card (JSON), sorted by name."""
        yield from self._database.execute("SELECT name, card FROM project ORDER BY name")

    def card(self, name: str) -> str | None:
        """One project's card, or None."""
        row = self._database.execute("SELECT card FROM project WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def compare(self, folder: str, listing: Callable[[], Iterable[tuple[str, str]]]) -> Given:
        """Hold a folder's files against those that are there.

        Args:
            folder: The folder, as its stamps were remembered.
            listing: Name and stamp of each of its files; asked again where files are missing.
        """
        return compare(self._database, folder, listing)

    def looks(self, folder: str) -> str | None:
        """What a folder looked like that had every wheel there is, and no other, as it was there.

        None where no folder did, or wheels came or went since.
        """
        return self.get(LOOKS + folder)

    def check_new(self, filenames: Iterable[str]) -> None:
        """Refuse file names that pass for another's, some hundreds at a time.

        Raises:
            EntryError: two of them, or one and a file the ledger names, differ in case or spelling.
        """
        for batch in batched(filenames):
            keys = [twin_key(filename) for filename in batch]
            marks = ", ".join("?" * len(keys))
            query = f"SELECT folded, filename FROM file WHERE folded IN ({marks})"  # noqa: S608 -- marks only
            there = dict(self._database.execute(query, keys).fetchall())
            for key, filename in zip(keys, batch, strict=True):
                twin = there.setdefault(key, filename)
                if twin != filename:
                    raise EntryError(twins(filename, twin))

    def taken(self, keys: Sequence[str]) -> dict[str, Taken]:
        """File name, sha256 and why it is gone of the files with these keys, by key."""
        if not keys:
            return {}
        # New files mostly come where there are none: one look between them, not one for each.
        where = "WHERE folded BETWEEN ? AND ? LIMIT ?"
        query = f"SELECT folded, filename, sha256, gone FROM file {where}"  # noqa: S608 -- our own words
        span = (min(keys), max(keys), len(keys))
        rows = self._database.execute(query, span).fetchall()
        if len(rows) == len(keys):  # perhaps there are more
            marks = ", ".join("?" * len(keys))
            query = f"SELECT folded, filename, sha256, gone FROM file WHERE folded IN ({marks})"  # noqa: S608 -- marks only
            rows = self._database.execute(query, keys).fetchall()
        wanted = set(keys)
        return {row[0]: row[1:] for row in rows if row[0] in wanted}

    def _files(self, where: str, *values: str) -> Iterator[Known]:
        query = f"SELECT {COLUMNS} FROM file {where}"  # noqa: S608 -- our own words, values bound
        for row in self._database.execute(query, values):
            yield Known._make(row)


def project_keys(name: str) -> tuple[str, str]:
    """Between which keys of the table (the second left out) a project's files lie."""
    stem = name.replace("-", "_")
    return f"{stem}-", f"{stem}."
