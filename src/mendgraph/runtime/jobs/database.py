"""The SQLite file of a job: its layout, its transactions, and its errors in the project's own words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mendgraph.errors import JobError

FORMAT = 1
"""Layout of the file, its ``user_version``; 0 is a file in which nothing was made yet."""

BUSY_S = 10.0
"""How long a process waits for another one that is writing."""

_SCHEMA = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE terms (part TEXT, name TEXT, value TEXT NOT NULL, PRIMARY KEY (part, name))",
    # A row per process that worked on the job; the latest alone may commit.
    "CREATE TABLE sessions (id INTEGER PRIMARY KEY, pid INTEGER, host TEXT, began REAL)",
    "CREATE TABLE chunks (number INTEGER PRIMARY KEY, first INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " session INTEGER NOT NULL, seconds REAL NOT NULL, at REAL NOT NULL)",
    "CREATE TABLE answers (row INTEGER PRIMARY KEY, status TEXT NOT NULL, answer TEXT NOT NULL)",
    f"PRAGMA user_version = {FORMAT}",
)


class JobDatabase:
    """A connection.  A transaction that ended is on the disk: write-ahead log, ``synchronous=FULL``.

    Raises:
        JobError: from the constructor and every method, where the file cannot be read or written, or is of another
            version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._told():
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            with self._told():
                self._prepare()
        except JobError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        if self._version() == 0:
            with self.transaction():
                if self._version() == 0:  # nobody was faster
                    for statement in _SCHEMA:
                        self._connection.execute(statement)
        if (version := self._version()) != FORMAT:
            raise JobError(
                f"{self.path} has layout {version}, this version of mendgraph reads {FORMAT}",
                hint="finish the job with the version that began it, or start over: mend jobs remove NAME",
            )

    def _version(self) -> int:
        [(version,)] = self._connection.execute("PRAGMA user_version")
        return int(version)

    def close(self) -> None:
        self._connection.close()

    def all(self, query: str, *values: object) -> list[Any]:
        with self._told():
            return self._connection.execute(query, values).fetchall()

    def stream(self, query: str, size: int) -> Iterator[list[Any]]:
        """The rows of a query, `size` at a time; the rest of them stays on the disk."""
        with self._told():
            cursor = self._connection.execute(query)
            while found := cursor.fetchmany(size):
                yield found

    def many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._told():
            self._connection.executemany(statement, rows)

    def insert(self, statement: str, *values: object) -> int:
        """The number of the new row."""
        with self._told():
            return self._connection.execute(statement, values).lastrowid or 0

    def fact(self, name: str) -> Any:
        found = self.all("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(found[0][0]) if found else None

    def state(self, facts: Mapping[str, Any]) -> None:
        rows = ((name, json.dumps(value)) for name, value in facts.items())
        self.many("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing; other processes may read meanwhile, none may write."""
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JobError(
                f"job file {self.path}: {error}",
                hint="what was committed before is safe; check the disk, then start the same command again",
            ) from error
