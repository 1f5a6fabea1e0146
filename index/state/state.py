"""The state: which files are there, yanked or gone, and which pages no longer say so."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from index.batches import BATCH
from index.consistent import check_record
from index.errors import EntryError, LedgerError
from index.ledger.head import Head
from index.ledger.settings import Settings
from index.naming import twin_key, twins
from index.state.database import expect_many, open_database
from index.state.known import Given, Known, Place, Row, arrival
from index.state.schema import create, is_current
from index.state.view import LOOKS, Taken, View

if TYPE_CHECKING:
    from index.facts import AnyRecord
    from index.ledger.events import Remove, Unyank, Yank
    from index.ledger.seal import Line

ALL_PAGES = "*"
"""Stale mark for everything: the settings changed, or nobody knows."""
PROJECT_PAGE = "project/"
ROOT_PAGE = "root/"
LANDING_PAGE = "landing"
MANY = 100
"""Files at a time from which on more of the database is kept in memory."""
_KIND, _NAME, _CUDA = (1 + Known._fields.index(field) for field in ("kind", "name", "cuda"))
"""Where these stand in a row."""


class State(View):
    """What a ledger adds up to so far. One transaction per change, committed by the caller."""

    def __init__(self, database: sqlite3.Connection) -> None:
        super().__init__(database)
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

    def set_card(self, name: str, card: str | None) -> None:
        """Remember what the landing page shows of a project; None: nothing any more."""
        if card is None:
            self._database.execute("DELETE FROM project WHERE name = ?", (name,))
        else:
            self._database.execute("INSERT OR REPLACE INTO project VALUES (?, ?)", (name, card))

    def set_stamps(self, folder: str, stamps: Iterable[tuple[str, str]]) -> None:
        """Remember what files of a folder looked like."""
        self._database.executemany(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)",
            ((filename, folder, stamp) for filename, stamp in stamps),
        )

    def set_looks(self, folder: str, looks: str) -> None:
        """Remember what a folder looks like that has every wheel there is, and no other."""
        self.set(LOOKS + folder, looks)

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
        arriving: list[Row] = []
        for line in lines:
            head, event, where = line.head, line.event, f"ledger line {line.head.count}"
            if event.event == "add" or event.event == "guard":
                if event.event == "add" and not checked:
                    _check(event.record, where)
                known = arrival(event, line)
                arriving.append((twin_key(known.filename), *known))
                if len(arriving) >= BATCH:
                    self._place(arriving, head.count)
                    arriving.clear()
                continue
            self._place(arriving, head.count - 1)
            arriving.clear()
            if event.event == "configure":
                self._configure(event.settings.plain(), first=line.offset == 0)
            else:
                self._change(event, where)
        if head is None:
            return self.head
        self._place(arriving, head.count)
        self.set("head", head.dump())
        return head

    def arrive(self, rows: Sequence[Row], head: Head, there: dict[str, Taken]) -> None:
        """Take wheels in whose records passed `check_record` just now.

        Args:
            rows: The wheels.
            head: The ledger's head after them.
            there: Those of their names that the ledger has already, as `taken` tells.

        Raises:
            LedgerError: as `apply`.
        """
        self._place(rows, head.count, there)
        self.set("head", head.dump())

    def _configure(self, settings: Settings, *, first: bool) -> None:
        if not first and self.settings.layout != settings.layout:
            self.set("left_layout", self.settings.layout)
        self.set("settings", settings.dump())
        self.mark_stale(ALL_PAGES)

    def _place(
        self,
        rows: Sequence[Row],
        last: int,
        there: dict[str, Taken] | None = None,
    ) -> None:
        """Files into the table; ``last`` is the number of the last one's line in the ledger."""
        if not rows:
            return
        if len(rows) >= MANY:
            expect_many(self._database)
        keys = [row[0] for row in rows]
        there = self.taken(keys) if there is None else there
        if there or len(set(keys)) < len(keys):
            for number, row in enumerate(rows, last - len(rows) + 1):
                file = Known._make(row[1:])
                _check_twin(file, there.get(row[0]), f"ledger line {number}")
                there[row[0]] = (file.filename, file.sha256, file.gone)
        self._database.executemany(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        listed = Counter([(row[_CUDA], row[_NAME]) for row in rows])
        wheels = Counter([(row[_CUDA], row[_NAME]) for row in rows if row[_KIND] == "wheel"])
        if wheels:
            self._forget_looks()
        for (cuda, name), number in listed.items():
            self._list(cuda, name, number, wheels[cuda, name])

    def _change(self, event: Yank | Unyank | Remove, where: str) -> None:
        file = self.file(event.filename)
        if file is None or file.gone is not None:
            raise LedgerError(f"{where}: there is no '{event.filename}' to {event.event}")
        if event.event == "unyank" and file.yanked is None:
            raise LedgerError(f"{where}: '{event.filename}' is not yanked")
        if event.event == "remove":
            self._forget_looks()
            self._update(event.filename, "gone", event.reason)
            self._database.execute("DELETE FROM seen WHERE filename = ?", (event.filename,))
            self._list(file.cuda, file.name, -1, -(file.kind == "wheel"))
        else:
            self._update(event.filename, "yanked", event.reason if event.event == "yank" else None)
            self.mark_stale(PROJECT_PAGE + file.name)

    def _forget_looks(self) -> None:
        """Wheels come or go: no folder has all of them now for all that is known."""
        self._database.execute("DELETE FROM meta WHERE substr(key, 1, ?) = ?", (len(LOOKS), LOOKS))

    def _update(self, filename: str, column: str, value: str | None) -> None:
        statement = f"UPDATE file SET {column} = ? WHERE folded = ?"  # noqa: S608 -- our own names
        self._database.execute(statement, (value, twin_key(filename)))

    def _list(self, cuda: str, name: str, step: int, wheels: int) -> None:
        """Count files in or out of their root; the first and the last change the root's page.

        Args:
            cuda: The root.
            name: The project.
            step: How many files come; less than none go.
            wheels: How many of them are wheels.
        """
        key = (cuda, name)
        row = self._database.execute(
            "SELECT files, wheels FROM listed WHERE cuda = ? AND name = ?", key
        ).fetchone()
        before, wheels_before = row or (0, 0)
        if before + step:
            self._database.execute(
                "INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?)",
                (*key, before + step, wheels_before + wheels),
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


def _check(record: AnyRecord, where: str) -> None:
    try:
        check_record(record)
    except EntryError as error:
        raise LedgerError(f"{where}: {error.message}") from error


def _check_twin(file: Known, there: Taken | None, where: str) -> None:
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
    "Place",
    "State",
]
