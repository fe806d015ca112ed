"""Keeps a journal healthy: checked, pruned by age, and copied out of a damaged file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mendgraph.errors import JournalError
from mendgraph.runtime.journal_schema import TextMode, check_format, named, read_meta
from mendgraph.runtime.sqlite_journal import BUSY_S, SqliteJournal

_AT_ONCE: Final = 200
"""Runs deleted per transaction, so that writers wait only briefly and the write-ahead log stays small."""

_STRAY: Final = "SELECT count(*) FROM rows LEFT JOIN runs ON runs.number = rows.run WHERE runs.number IS NULL"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a check found; `problems` is empty for a sound file."""

    runs: int
    rows: int
    text: str
    bytes: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Salvaged:
    """How much of a damaged journal could be copied."""

    runs: int
    rows: int
    lost_runs: int


def check(path: Path) -> Condition:
    """Reads the whole file.

    Raises:
        JournalError: it cannot even be opened.
    """
    with _opened(path) as database:
        text = read_meta(database)["text"]
        try:
            found = [line for (line,) in database.execute("PRAGMA integrity_check(20)")]
            (stray,) = database.execute(_STRAY).fetchone()
            (runs,) = database.execute("SELECT count(*) FROM runs").fetchone()
            (rows,) = database.execute("SELECT count(*) FROM rows").fetchone()
        except sqlite3.DatabaseError as error:
            return Condition(0, 0, text, _size(path), (str(error),))
    problems = [line for line in found if line != "ok"]
    if stray:
        problems.append(f"{stray} rows belong to no run")
    return Condition(runs, rows, text, _size(path), tuple(problems))


def prune(path: Path, before: float) -> int:
    """Deletes the runs that began before this moment; says how many.  What they held is overwritten in the file.

    Args:
        before: seconds since the epoch.

    Raises:
        JournalError: the file cannot be written.
    """
    pruned = 0
    with _opened(path) as database:
        database.execute("PRAGMA secure_delete = ON")
        while True:
            database.execute("BEGIN IMMEDIATE")
            with database:
                numbers = database.execute(
                    "SELECT number FROM runs WHERE at < ? ORDER BY at LIMIT ?", (before, _AT_ONCE)
                ).fetchall()
                for table, column in (("attempts", "run"), ("rows", "run"), ("runs", "number")):
                    database.executemany(f"DELETE FROM {table} WHERE {column} = ?", numbers)
                if len(numbers) < _AT_ONCE:
                    database.execute("DELETE FROM facts WHERE hash NOT IN (SELECT facts FROM runs)")
            pruned += len(numbers)
            if len(numbers) < _AT_ONCE:
                break
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.executescript("PRAGMA incremental_vacuum")  # `execute` would stop after one page
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return pruned


def salvage(damaged: Path, copy: Path) -> Salvaged:
    """Copies every run that can still be read whole into a new journal.

    Raises:
        JournalError: `copy` is there already, or the damaged file cannot even be opened.
    """
    if copy.exists():
        raise JournalError(f"{copy} is there already", hint="name a file that is not")
    with _opened(damaged) as broken:
        meta = read_meta(broken)
    mode: TextMode = meta["text"]  # type: ignore[assignment]  # checked when the file was made
    SqliteJournal(copy, text=mode).close()
    runs = rows = lost = 0
    with _opened(copy) as database:
        database.execute("ATTACH ? AS damaged", (str(damaged),))
        database.execute("UPDATE meta SET value = ? WHERE key = 'salt'", (meta["salt"],))
        for number in _numbers(database):
            copied = _copied(database, number)
            runs, rows, lost = runs + (copied >= 0), rows + max(copied, 0), lost + (copied < 0)
    return Salvaged(runs, rows, lost)


def _numbers(database: sqlite3.Connection) -> list[int]:
    """Runs of the damaged file, as far as its table can be walked from either end."""
    found: set[int] = set()
    for order in ("ASC", "DESC"):
        try:
            for (number,) in database.execute(f"SELECT number FROM damaged.runs ORDER BY number {order}"):
                found.add(number)
        except sqlite3.DatabaseError:
            continue
    return sorted(found)


def _copied(database: sqlite3.Connection, number: int) -> int:
    """Rows copied; -1 where the run cannot be read whole."""
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute(
            "INSERT OR IGNORE INTO facts SELECT * FROM damaged.facts WHERE hash ="
            " (SELECT facts FROM damaged.runs WHERE number = ?)",
            (number,),
        )
        database.execute("INSERT INTO runs SELECT * FROM damaged.runs WHERE number = ?", (number,))
        rows = database.execute(
            "INSERT INTO rows SELECT * FROM damaged.rows WHERE run = ?", (number,)
        ).rowcount
        database.execute("INSERT INTO attempts SELECT * FROM damaged.attempts WHERE run = ?", (number,))
        database.execute("COMMIT")
    except sqlite3.DatabaseError:
        database.execute("ROLLBACK")
        return -1
    return rows


def _size(path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (log.stat().st_size if log.is_file() else 0)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise JournalError(f"no journal {str(path)!r}")
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as database:
            check_format(database, path)
            yield database
    except sqlite3.Error as error:
        raise named(error, path, BUSY_S) from error
