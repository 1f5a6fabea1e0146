"""The tables of the state."""

from __future__ import annotations

import sqlite3

VERSION = 3
"""Raised with every change of the tables: another version's file is made anew."""

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE file (
    folded TEXT PRIMARY KEY,          -- one key for names that differ in case or spelling only
                                      -- it begins with the project, so its files lie together
    filename TEXT NOT NULL,
    kind TEXT NOT NULL,               -- wheel or guard
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    cuda TEXT NOT NULL,               -- empty: every root
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    url TEXT NOT NULL,
    uploaded TEXT NOT NULL,
    yanked TEXT,                      -- why, or NULL
    gone TEXT,                        -- why it was removed, or NULL
    build_key TEXT,
    profile TEXT,
    start INTEGER NOT NULL,           -- where its event stands in the ledger, bytes
    length INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE listed (                 -- how many files, and wheels, a project has of each CUDA
    cuda TEXT NOT NULL, name TEXT NOT NULL, files INTEGER NOT NULL, wheels INTEGER NOT NULL,
    PRIMARY KEY (cuda, name)
) WITHOUT ROWID;
CREATE TABLE project (name TEXT PRIMARY KEY, card TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE stale (page TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE seen (                   -- files that are there, as compared with folders before
    filename TEXT NOT NULL, folder TEXT NOT NULL, stamp TEXT NOT NULL,
    PRIMARY KEY (filename, folder)
) WITHOUT ROWID;
"""


def create(database: sqlite3.Connection) -> None:
    """Make the tables, and drop what was there; all of it in the caller's transaction."""
    if not database.in_transaction:
        # Python opens one for rows only: a kill between two tables would leave a half of them.
        database.execute("BEGIN IMMEDIATE")
    names = [
        row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    for name in names:
        database.execute(f"DROP TABLE {name}")
    for statement in TABLES.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def is_current(database: sqlite3.Connection) -> bool:
    """Whether the tables are this version's."""
    return bool(database.execute("PRAGMA user_version").fetchone()[0] == VERSION)
