"""Reads a journal, while others may be writing to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer, Status
from mendgraph.errors import JournalError
from mendgraph.runtime.journal_rows import answer_of, run_of, text_hash, text_of
from mendgraph.runtime.journal_schema import TextMode, check_format, named, read_meta

BUSY_S: Final = 10.0

LAST: Final = "last"
"""What people call the newest run."""

_RUNS: Final = (
    "SELECT id, graph, at, rows, config_hash, options, given, json"
    " FROM runs JOIN facts ON facts.hash = runs.facts"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded row.

    Attributes:
        run: identity of its run.
        at: when the run began, in seconds since the epoch.
        row: its number in the run.
        answer: with an empty input, and nothing that quotes it, where the journal keeps no texts.
        key: what equal texts have in common: the text, its salted hash, or "" where neither is kept.
    """

    run: str
    at: float
    row: int
    answer: Answer
    key: str

    def to_dict(self) -> dict[str, Any]:
        return {"run": self.run, "at": self.at, "row": self.row, "key": self.key, **self.answer.to_dict()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows; None asks for nothing in particular.

    Attributes:
        tier: one that was asked about the row.
        source: the tier that settled it.
        label: the best guess.
        failure: a kind of failure in its trail, e.g. ``deadline``.
        since, until: when the run began, in seconds since the epoch; `until` is not included.
        contains: part of the text, whatever the case of its letters.
    """

    run: str | None = None
    graph: str | None = None
    status: Status | None = None
    tier: str | None = None
    source: str | None = None
    label: str | None = None
    failure: str | None = None
    since: float | None = None
    until: float | None = None
    contains: str | None = None


_CONDITIONS: Final = {
    "run": "runs.id = ?",
    "graph": "runs.graph = ?",
    "status": "rows.status = ?",
    "source": "rows.source = ?",
    "label": "rows.best_guess = ?",
    "since": "runs.at >= ?",
    "until": "runs.at < ?",
    "contains": "holds(rows.text, ?)",
    "tier": "EXISTS (SELECT 1 FROM attempts a WHERE (a.run, a.row) = (rows.run, rows.row) AND a.tier = ?)",
    "failure": "EXISTS (SELECT 1 FROM attempts a WHERE (a.run, a.row) = (rows.run, rows.row) AND a.failure = ?)",
}


class JournalReader:
    """An open journal.  A context manager; used from one thread.

    Attributes:
        text: how the journal keeps texts.

    Raises:
        JournalError: there is no such file, it cannot be read, or it is no journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise JournalError(
                f"no journal {str(path)!r}", hint=f"one is made by mend run ... --journal {path}"
            )
        with self._reading():
            uri = f"file:{quote(str(path.absolute()))}?mode=ro"
            self._database = sqlite3.connect(uri, uri=True, timeout=BUSY_S)
            try:
                check_format(self._database, path)
                meta = read_meta(self._database)
            except BaseException:
                self._database.close()
                raise
        self.text: TextMode = meta["text"]  # type: ignore[assignment]  # checked when the file was made
        self._salt = meta["salt"]
        self._database.create_function("holds", 2, _holds, deterministic=True)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def key(self, text: str) -> str:
        """The `Entry.key` of this text."""
        if self.text == "stored":
            return text
        return text_hash(text, self._salt) if self.text == "hashed" else ""

    def runs(
        self, *, graph: str | None = None, since: float | None = None, until: float | None = None
    ) -> Iterator[RunRecord]:
        """Oldest first."""
        where, values = _where(Wanted(graph=graph, since=since, until=until))
        with self._reading():
            for found in self._database.execute(f"{_RUNS}{where} ORDER BY at, number", values):
                yield run_of(found)

    def count(self) -> tuple[int, int]:
        """Runs and rows."""
        with self._reading():
            (runs,) = self._database.execute("SELECT count(*) FROM runs").fetchone()
            (rows,) = self._database.execute("SELECT count(*) FROM rows").fetchone()
        return runs, rows

    def find(self, name: str) -> RunRecord:
        """The run of this id, of the only id that begins so, or the newest one for ``last``.

        Raises:
            JournalError: there is none, or several begin so.
        """
        with self._reading():
            if name == LAST:
                newest = self._database.execute(f"{_RUNS} ORDER BY at DESC, number DESC LIMIT 1").fetchone()
                if newest is None:
                    raise JournalError(f"journal {self.path} holds no run yet")
                return run_of(newest)
            found = self._database.execute(
                f"{_RUNS} WHERE substr(id, 1, ?) = ? ORDER BY id = ? DESC, at LIMIT 3",
                (len(name), name, name),
            ).fetchall()
        if not found:
            raise JournalError(f"no run {name!r} in {self.path}", hint="`mend journal list` shows them")
        runs = [run_of(values) for values in found]
        if len(runs) > 1 and runs[0].id != name:
            begun = ", ".join(run.id for run in runs)
            raise JournalError(f"several runs begin with {name!r}: {begun}", hint="give more of the id")
        return runs[0]

    def rows(
        self, wanted: Wanted | None = None, *, limit: int | None = None, newest: bool = False
    ) -> Iterator[Entry]:
        """The rows that fit, oldest run first unless `newest`, in row order within a run.

        Raises:
            JournalError: texts are asked for, and the journal does not keep them.
        """
        wanted = wanted or Wanted()
        if wanted.contains is not None and self.text != "stored":
            raise JournalError(f"journal {self.path} keeps its texts {self.text}: they cannot be searched")
        where, values = _where(wanted)
        down = " DESC" if newest else ""
        most = "" if limit is None else f" LIMIT {int(limit)}"
        statement = (
            "SELECT runs.id, runs.at, rows.run, rows.row, rows.text, rows.text_hash, rows.answer FROM rows"
            f" JOIN runs ON runs.number = rows.run{where} ORDER BY runs.at{down}, rows.run{down}, rows.row{most}"
        )
        with self._reading():
            for name, at, number, row, text, hashed, answer in self._database.execute(statement, values):
                steps = self._database.execute(
                    "SELECT attempt FROM attempts WHERE run = ? AND row = ? ORDER BY step", (number, row)
                )
                whole = answer_of(text, answer, (step for (step,) in steps))
                yield Entry(text_of(name), at, row, whole, hashed or whole.input)

    def answers(self, run: str) -> dict[int, Entry]:
        """Row number -> entry, for all recorded rows of one run."""
        return {entry.row: entry for entry in self.rows(Wanted(run=run))}

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise named(error, self.path, BUSY_S) from error


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    asked = {name: value for name in _CONDITIONS if (value := getattr(wanted, name)) is not None}
    if not asked:
        return "", []
    return f" WHERE {' AND '.join(_CONDITIONS[name] for name in asked)}", list(asked.values())


def _holds(text: str | bytes | None, part: str) -> bool:
    return text is not None and part.casefold() in text_of(text).casefold()
