"""The state: which files are there, yanked or gone, and which pages no longer say so."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from index.batches import BATCH, batched
from index.errors import EntryError, LedgerError
from index.ledger.events import Add, Configure, Guard, Remove, Settings, Unyank, Yank
from index.ledger.seal import EMPTY, Head, Line
from index.model import check_record, twin_key, twins
from index.state.comparing import compare, count_wheels
from index.state.database import open_database
from index.state.known import COLUMNS, Given, Known, arrival
from index.state.schema import create, is_current

ALL_PAGES = "*"
"""Stale mark for everything: the settings changed, or nobody knows."""
PROJECT_PAGE = "project/"
ROOT_PAGE = "root/"
LANDING_PAGE = "landing"


class State:
    """What a ledger adds up to so far. One transaction per change, committed by the caller."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        if not is_current(database):
            self.reset()
            database.commit()

    @classmethod
    def in_memory(cls) -> Self:
        """A state that is forgotten."""
        return cls(sqlite3.connect(":memory:", isolation_level="DEFERRED"))

    @classmethod
    @contextlib.contextmanager
    def in_file(cls, path: Path) -> Iterator[Self]:
        """The state kept in a file; a damaged file is made anew.

        Raises:
            SiteError: the file cannot be read or written, or turned out to be damaged later on.
        """
        with open_database(path) as database:
            yield cls(database)

    @classmethod
    def of_lines(cls, lines: Iterable[Line]) -> Self:
        """A state in memory from a whole ledger.

        Raises:
            LedgerError: an event makes no sense after those before it.
        """
        state = cls.in_memory()
        state.apply_all(lines)
        return state

    # -- reading ----------------------------------------------------------------------------

    @property
    def head(self) -> Head:
        """How far the ledger has been applied."""
        text = self.get("head")
        return EMPTY if text is None else Head.parse(text)

    @property
    def settings(self) -> Settings:
        """The newest settings, or the default ones."""
        text = self.get("settings")
        return Settings() if text is None else Settings.model_validate_json(text)

    def get(self, key: str) -> str | None:
        """A remembered value, or None."""
        row = self._database.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def file(self, filename: str) -> Known | None:
        """The file of that name, there or gone."""
        return next(self._files("WHERE filename = ?", filename), None)

    def files_named(self, filenames: Sequence[str]) -> dict[str, Known]:
        """The files of these names (`BATCH` at most), there or gone, by name."""
        marks = ", ".join("?" * len(filenames))
        return {
            file.filename: file for file in self._files(f"WHERE filename IN ({marks})", *filenames)
        }

    def files_of(self, name: str) -> list[Known]:
        """A project's files that are there, by file name."""
        return list(self._files("WHERE name = ? AND gone IS NULL ORDER BY filename", name))

    def all_files(self, *, gone: bool = False) -> Iterator[Known]:
        """Every file that is there, by file name; with ``gone`` the removed ones too."""
        return self._files("ORDER BY filename" if gone else "WHERE gone IS NULL ORDER BY filename")

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

    # -- changing ---------------------------------------------------------------------------

    def commit(self) -> None:
        """Keep every change since the last commit."""
        self._database.commit()

    def rollback(self) -> None:
        """Forget every change since the last commit."""
        self._database.rollback()

    def set(self, key: str, value: str) -> None:
        """Remember a value."""
        self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def reset(self) -> None:
        """Forget everything, the comparisons with folders too; nobody knows what the pages say."""
        create(self._database)
        self.mark_stale(ALL_PAGES)

    def mark_stale(self, page: str) -> None:
        """Say that a page must be looked at again."""
        self._database.execute("INSERT OR IGNORE INTO stale VALUES (?)", (page,))

    def mark_fresh(self) -> None:
        """Say that every page is as the state would have it."""
        self._database.execute("DELETE FROM stale")

    def cards(self) -> Iterator[tuple[str, str]]:
        """What the landing page shows of each project: name and card (JSON), sorted by name."""
        yield from self._database.execute("SELECT name, card FROM project ORDER BY name")

    def card(self, name: str) -> str | None:
        """One project's card, or None."""
        row = self._database.execute("SELECT card FROM project WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_card(self, name: str, card: str | None) -> None:
        """Remember what the landing page shows of a project; None: nothing any more."""
        if card is None:
            self._database.execute("DELETE FROM project WHERE name = ?", (name,))
        else:
            self._database.execute("INSERT OR REPLACE INTO project VALUES (?, ?)", (name, card))

    def compare(self, folder: str, listing: Callable[[], Iterable[tuple[str, str]]]) -> Given:
        """Hold a folder's files against those that are there.

        Args:
            folder: The folder, as its stamps were remembered.
            listing: Name and stamp of each of its files; asked again where files are missing.
        """
        return compare(self._database, folder, listing)

    def set_stamps(self, folder: str, stamps: Iterable[tuple[str, str]]) -> None:
        """Remember what files of a folder looked like."""
        self._database.executemany(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)",
            ((filename, folder, stamp) for filename, stamp in stamps),
        )

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

    def apply(self, line: Line) -> None:
        """Take one more event in.

        Raises:
            LedgerError: it does not fit what came before (another file of that name is or was
                there, nothing of that name to yank or remove).
        """
        self.apply_all([line])

    def apply_all(self, lines: Iterable[Line], *, checked: bool = False) -> Head:
        """Take events in, in order; the new head is remembered once, at the end.

        Args:
            lines: The events as they stand, or will stand, in the ledger.
            checked: Whether the records in them passed `check_record` just now.

        Raises:
            LedgerError: as `apply`; what came before the bad line is not committed.
        """
        head = None
        arriving: list[tuple[Known, str]] = []
        for line in lines:
            head, event, where = line.head, line.event, f"ledger line {line.head.count}"
            if isinstance(event, Add | Guard):
                if not checked:
                    _check(event, where)
                arriving.append((arrival(event, line), where))
                if len(arriving) < BATCH:
                    continue
            self._place(arriving)
            arriving.clear()
            if isinstance(event, Configure):
                self._configure(event.settings, first=line.offset == 0)
            elif not isinstance(event, Add | Guard):
                self._change(event, where)
        self._place(arriving)
        if head is not None:
            self.set("head", head.dump())
        return head or self.head

    def _configure(self, settings: Settings, *, first: bool) -> None:
        if not first and self.settings.layout != settings.layout:
            self.set("left_layout", self.settings.layout)
        self.set("settings", settings.model_dump_json())
        self.mark_stale(ALL_PAGES)

    def _place(self, arriving: Sequence[tuple[Known, str]]) -> None:
        if not arriving:
            return
        keys = [twin_key(file.filename) for file, _ in arriving]
        marks = ", ".join("?" * len(keys))
        query = f"SELECT folded, filename, sha256, gone FROM file WHERE folded IN ({marks})"  # noqa: S608 -- marks only
        there = {row[0]: row[1:] for row in self._database.execute(query, keys)}
        rows = []
        for key, (file, where) in zip(keys, arriving, strict=True):
            _check_twin(file, there.get(key), where)
            there[key] = (file.filename, file.sha256, file.gone)
            rows.append((file[0], key, *file[1:]))
        self._database.executemany(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        for (cuda, name), number in Counter((file.cuda, file.name) for file, _ in arriving).items():
            self._list(cuda, name, number)

    def _change(self, event: Yank | Unyank | Remove, where: str) -> None:
        file = self.file(event.filename)
        if file is None or file.gone is not None:
            raise LedgerError(f"{where}: there is no '{event.filename}' to {event.event}")
        if isinstance(event, Unyank) and file.yanked is None:
            raise LedgerError(f"{where}: '{event.filename}' is not yanked")
        if isinstance(event, Remove):
            self._update(event.filename, "gone", event.reason)
            self._database.execute("DELETE FROM seen WHERE filename = ?", (event.filename,))
            self._list(file.cuda, file.name, -1)
        else:
            self._update(
                event.filename, "yanked", event.reason if isinstance(event, Yank) else None
            )
            self.mark_stale(PROJECT_PAGE + file.name)

    def _update(self, filename: str, column: str, value: str | None) -> None:
        statement = f"UPDATE file SET {column} = ? WHERE filename = ?"  # noqa: S608 -- our own names
        self._database.execute(statement, (value, filename))

    def _list(self, cuda: str, name: str, step: int) -> None:
        """Count files in or out of their root; the first and the last change the root's page."""
        key = (cuda, name)
        row = self._database.execute(
            "SELECT files FROM listed WHERE cuda = ? AND name = ?", key
        ).fetchone()
        before = 0 if row is None else int(row[0])
        if before + step:
            self._database.execute(
                "INSERT OR REPLACE INTO listed VALUES (?, ?, ?)", (*key, before + step)
            )
        else:
            self._database.execute("DELETE FROM listed WHERE cuda = ? AND name = ?", key)
        if before == 0 or before + step == 0:
            self.mark_stale(ROOT_PAGE + cuda)
            self._mark_shared(cuda, 1 if step > 0 else 0)
        self.mark_stale(PROJECT_PAGE + name)

    def _mark_shared(self, cuda: str, alone: int) -> None:
        """Where a root comes or goes, every project whose files stand in all roots changes.

        Args:
            cuda: The root.
            alone: How many projects it has then: one where it comes, none where it goes.
        """
        rows = self._database.execute("SELECT 1 FROM listed WHERE cuda = ? LIMIT 2", (cuda,))
        if cuda and len(rows.fetchall()) == alone:
            self._database.execute(
                "INSERT OR IGNORE INTO stale SELECT ? || name FROM listed WHERE cuda = ''",
                (PROJECT_PAGE,),
            )
            self.mark_stale(LANDING_PAGE)

    def _files(self, where: str, *values: str) -> Iterator[Known]:
        query = f"SELECT {COLUMNS} FROM file {where}"  # noqa: S608 -- our own words, values bound
        for row in self._database.execute(query, values):
            yield Known._make(row)


def _check(event: Add | Guard, where: str) -> None:
    if isinstance(event, Add):
        try:
            check_record(event.record)
        except EntryError as error:
            raise LedgerError(f"{where}: {error.message}") from error


def _check_twin(file: Known, there: tuple[str, str, str | None] | None, where: str) -> None:
    """Refuse a file whose name, or one that passes for it, was taken before."""
    if there is None:
        return
    filename, sha256, gone = there
    if filename != file.filename:
        raise LedgerError(f"{where}: {twins(file.filename, filename)}")
    if gone is None:
        other = "" if sha256 == file.sha256 else " with other bytes"
        raise LedgerError(f"{where}: '{filename}' is there already{other}")
    if sha256 != file.sha256:
        raise LedgerError(f"{where}: '{filename}' was there with other bytes and was removed")


__all__ = [
    "ALL_PAGES",
    "LANDING_PAGE",
    "PROJECT_PAGE",
    "ROOT_PAGE",
    "Given",
    "Known",
    "State",
]
