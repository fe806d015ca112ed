"""The durable journal: every run with its rows and attempts in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Self

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer
from mendgraph.errors import JournalError
from mendgraph.runtime.journal_rows import Encoded, encode
from mendgraph.runtime.journal_schema import TextMode, named, prepare_file

BUSY_S: Final = 10.0
"""How long a writer waits for another process that is writing."""

Synchronous = Literal["full", "normal"]

_RUN: Final = (
    "INSERT INTO runs (id, graph, at, rows, config_hash, options, given, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO NOTHING"
)
_ROW: Final = f"INSERT INTO rows VALUES ({', '.join('?' * 11)})"
_ATTEMPT: Final = f"INSERT INTO attempts VALUES ({', '.join('?' * 12)})"


class SqliteJournal:
    """A `Journal` in a SQLite file in WAL mode.  Threads and processes may write to it at once, and read meanwhile.

    When `record` returns, its rows are on the disk, all of them or, after an error, none.  Threads that call it at
    the same time share one transaction, and with it the wait for the disk.  A row is recorded once: recording it
    again, as a resumed run may, changes nothing.

    Args:
        path: the file; missing parent folders are made.
        text: how inputs are kept: ``stored``; ``hashed`` (salted SHA-256, so that equal texts can be matched); or
            ``omitted``.  In the latter two the file holds nothing that may quote an input.  Fixed when the file is
            made: None takes what the file says, or ``stored`` for a new one.
        synchronous: SQLite's level.  ``full`` survives a power cut; ``normal`` survives the death of the process,
            and is faster because it does not wait for the disk at every commit.
        busy_s: seconds to wait for another process that is writing.

    Attributes:
        error: why the last record was not written; None when it was.

    Raises:
        JournalError: the file cannot be opened, is damaged, no journal, or of a newer format.
    """

    def __init__(
        self,
        path: Path,
        *,
        text: TextMode | None = None,
        synchronous: Synchronous = "full",
        busy_s: float = BUSY_S,
    ) -> None:
        self.path = path
        self.synchronous = synchronous
        self.busy_s = busy_s
        self.error: JournalError | None = None
        self._asked = text
        self._queue: list[_Ticket] = []
        self._queueing = threading.Lock()
        self._writing = threading.Lock()  # held by the one thread that writes for all
        self._database: sqlite3.Connection | None = None
        self._identity: tuple[int, int, int] | None = None
        self._closed = False
        try:
            self._text, self._salt = self._open()
        except sqlite3.Error as error:
            self._drop()
            raise named(error, path, busy_s) from error
        except JournalError:
            self._drop()
            raise

    @property
    def text(self) -> TextMode:
        return self._text

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        ticket = _Ticket(run, answers)
        ticket.encode(self._text, self._salt)  # here, where threads do it side by side
        with self._queueing:
            self._queue.append(ticket)
        with self._writing:
            if not ticket.done:
                with self._queueing:
                    tickets, self._queue = self._queue, []
                self._write(tickets)
        self.error = ticket.error
        if ticket.error is not None:
            raise ticket.error

    def close(self) -> None:
        """Lets go of the file; nothing can be recorded afterwards."""
        with self._writing:
            self._closed = True
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _write(self, tickets: Sequence[_Ticket]) -> None:
        """One transaction for all; each ticket is done afterwards, come what may."""
        failed: JournalError | None = JournalError(f"journal {self.path}: interrupted while writing")
        try:
            failed = self._transact(tickets)
        finally:
            for ticket in tickets:
                ticket.done, ticket.error = True, failed

    def _transact(self, tickets: Sequence[_Ticket]) -> JournalError | None:
        if self._closed:
            return JournalError(f"journal {self.path} is closed", hint="open it again")
        try:
            if self._database is None or self._identity != _identity(self.path):
                self._drop()
                self._text, self._salt = self._open()
            database = self._database
            assert database is not None
            database.execute("BEGIN IMMEDIATE")
            for ticket in tickets:
                _insert(database, ticket.encode(self._text, self._salt))
            database.execute("COMMIT")
        except sqlite3.Error as error:
            self._drop()  # a fresh connection owes nothing to what went wrong with this one
            return named(error, self.path, self.busy_s)
        except JournalError as error:
            self._drop()
            return error
        except BaseException:
            self._drop()
            raise
        return None

    def _open(self) -> tuple[TextMode, str]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"cannot make the folder {self.path.parent}: {error.strerror}", hint="name another file"
            ) from error
        # Transactions are begun by hand; one thread at a time uses the connection.
        database = self._database = sqlite3.connect(
            self.path, timeout=self.busy_s, isolation_level=None, check_same_thread=False
        )
        meta = prepare_file(database, self.path, self._asked, self.busy_s)
        database.execute(f"PRAGMA synchronous = {self.synchronous}")
        self._identity = _identity(self.path)
        text: TextMode = meta["text"]  # type: ignore[assignment]  # checked when the file was made
        self._asked = text  # another file that takes its place must keep texts the same way
        return text, meta["salt"]

    def _drop(self) -> None:
        database, self._database = self._database, None
        if database is None:
            return
        if self._identity is not None and self._identity[2] != os.getpid():
            _INHERITED.append(database)
            return
        try:
            database.close()  # rolls back what was not committed
        except sqlite3.Error:
            return  # it is gone either way, and what went wrong before is what is reported


class _Ticket:
    """One call of `record` on its way to the disk."""

    __slots__ = ("_answers", "_encoded", "_run", "_salt", "done", "error")

    def __init__(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        self.done = False
        self.error: JournalError | None = None
        self._run, self._answers = run, answers
        self._salt, self._encoded = "", Encoded((), (), {}, {})

    def encode(self, text: TextMode, salt: str) -> Encoded:
        """Anew only for another file."""
        if salt != self._salt:
            self._salt, self._encoded = salt, encode(self._run, self._answers, text, salt)
        return self._encoded


_INHERITED: Final[list[sqlite3.Connection]] = []
"""Connections a forked child got from its parent: closing one would drop the parent's locks, so none ever is."""


def _identity(path: Path) -> tuple[int, int, int] | None:
    """Which file it is, for which process: one that was deleted or moved away must not be written to any more."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, os.getpid()


def _insert(database: sqlite3.Connection, encoded: Encoded) -> None:
    database.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO NOTHING", encoded.facts)
    new = database.execute(_RUN, encoded.run).rowcount > 0
    (number,) = database.execute("SELECT number FROM runs WHERE id = ?", encoded.run[:1]).fetchone()
    known: set[int] = set()
    if not new:
        known = {row for (row,) in database.execute("SELECT row FROM rows WHERE run = ?", (number,))}
    fresh = [row for row in encoded.rows if row not in known]
    database.executemany(_ROW, ((number, row, *encoded.rows[row]) for row in fresh))
    database.executemany(_ATTEMPT, ((number, row, *step) for row in fresh for step in encoded.attempts[row]))
