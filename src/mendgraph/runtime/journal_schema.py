"""The tables of a journal file, and the errors of SQLite in words a person can act on."""

from __future__ import annotations

import secrets
import sqlite3
import time
from pathlib import Path
from typing import Final, Literal, get_args

from mendgraph.errors import JournalError

TextMode = Literal["stored", "hashed", "omitted"]

APPLICATION: Final = 0x4D454E44
"""``MEND``, in the header of every journal file."""

VERSION: Final = 1
"""Of the tables below; a file says its own as SQLite's ``user_version``."""

_RETRY_S: Final = 0.02

TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (hash TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    graph TEXT NOT NULL,
    at REAL NOT NULL,
    rows INTEGER NOT NULL,
    config_hash TEXT NOT NULL,
    options TEXT NOT NULL,
    given TEXT NOT NULL,
    facts TEXT NOT NULL REFERENCES facts (hash)
);
CREATE INDEX runs_by_time ON runs (at);
CREATE TABLE rows (
    run INTEGER NOT NULL REFERENCES runs (number),
    row INTEGER NOT NULL,
    status TEXT NOT NULL,
    label TEXT,
    best_guess TEXT,
    confidence REAL,
    source TEXT NOT NULL,
    partial INTEGER NOT NULL,
    text TEXT,
    text_hash TEXT,
    answer TEXT NOT NULL,
    PRIMARY KEY (run, row)
) WITHOUT ROWID;
CREATE TABLE attempts (
    run INTEGER NOT NULL,
    row INTEGER NOT NULL,
    step INTEGER NOT NULL,
    tier TEXT NOT NULL,
    label TEXT,
    confidence REAL,
    threshold REAL,
    verdict TEXT,
    failure TEXT,
    seconds REAL NOT NULL,
    fingerprint TEXT NOT NULL,
    attempt TEXT NOT NULL,
    PRIMARY KEY (run, row, step)
) WITHOUT ROWID
"""
"""`answer` is the answer as JSON without input and trail, `attempt` one step of the trail; what nearly every run
has in common (configuration, versions, thresholds, fingerprints) is kept once, under its hash."""

FULL: Final = frozenset({sqlite3.SQLITE_FULL})
LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def prepare_file(
    database: sqlite3.Connection, path: Path, text: TextMode | None, busy_s: float
) -> dict[str, str]:
    """Makes the tables where there are none, and returns the file's ``meta``: ``text`` mode and ``salt``.

    Raises:
        JournalError: the file is no journal, of a newer format, or keeps texts in another way than `text`.
        sqlite3.Error: it cannot be read or written.
    """
    if not _known(database, path):
        # Pages of pruned runs can then be given back to the file system a few at a time.
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        _patiently(database, "PRAGMA journal_mode = WAL", busy_s)
        _patiently(database, "BEGIN IMMEDIATE", busy_s)
        try:
            if not _known(database, path):  # another process may have been faster
                _create(database, text or "stored")
            database.execute("COMMIT")
        except BaseException:
            database.execute("ROLLBACK")
            raise
    meta = read_meta(database)
    if text is not None and meta["text"] != text:
        raise JournalError(
            f"journal {path} keeps its texts {meta['text']}, not {text}",
            hint=f"ask for {meta['text']}, or name another file",
        )
    return meta


def check_format(database: sqlite3.Connection, path: Path) -> None:
    """Raises JournalError where the file is no journal that this version can read."""
    if not _known(database, path):
        raise JournalError(f"{path} is an empty database, not a journal", hint=_RECORD)


def read_meta(database: sqlite3.Connection) -> dict[str, str]:
    return dict(database.execute("SELECT key, value FROM meta").fetchall())


def named(error: sqlite3.Error, path: Path, busy_s: float = 0.0) -> JournalError:
    """SQLite's error as one of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in FULL:
        return JournalError(
            f"no room for the journal {path}: {error}",
            hint="free some space, or `mend journal prune`; recording goes on by itself",
        )
    if code in LOCKED:
        return JournalError(
            f"journal {path} is locked: another process has been writing for {busy_s:g} s",
            hint="end that process, or give this one a journal of its own",
        )
    if code in DAMAGED:
        return JournalError(
            f"journal {path} is damaged: {error}",
            hint=f"`mend journal salvage NEW --journal {path}` copies what can still be read",
        )
    return JournalError(f"journal {path}: {error}", hint="check the file, its folder and its permissions")


def _known(database: sqlite3.Connection, path: Path) -> bool:
    """Whether the tables are there; False for an empty file."""
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION:
        if version > VERSION:
            raise JournalError(
                f"journal {path} has format {version}; this mendgraph reads up to {VERSION}",
                hint="update mendgraph, or name another file",
            )
        return True
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables:
        raise JournalError(f"{path} is an SQLite database of something else, not a journal", hint=_RECORD)
    return False


def _create(database: sqlite3.Connection, text: TextMode) -> None:
    if text not in get_args(TextMode):
        raise JournalError(f"text: expected one of {', '.join(get_args(TextMode))}, got {text!r}")
    for statement in TABLES.split(";"):
        database.execute(statement)
    # Per file: equal texts can be told within one journal, but neither looked up in a table of hashes made
    # beforehand nor matched with another journal.  It is no secret: whoever has the file can test a guess.
    meta = {"text": text, "salt": secrets.token_hex(16)}
    database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    database.execute(f"PRAGMA application_id = {APPLICATION}")
    database.execute(f"PRAGMA user_version = {VERSION}")


def _patiently(database: sqlite3.Connection, statement: str, seconds: float) -> None:
    """SQLite's own time-out does not cover the change to WAL, which two processes may attempt at once."""
    end = time.monotonic() + seconds
    while True:
        try:
            database.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in LOCKED or time.monotonic() >= end:
                raise
            time.sleep(_RETRY_S)


_RECORD: Final = "a journal is made by mend run ... --journal FILE.sqlite"
