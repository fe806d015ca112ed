"""What people said a text really means; `mend learn` refits from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mendgraph.core.values import Answer
from mendgraph.errors import DataError, UnknownNameError

BUSY_SECONDS = 10.0
"""How long a process waits for another one that is writing."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS corrections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    graph TEXT NOT NULL,
    text TEXT NOT NULL,
    label TEXT NOT NULL,
    answer TEXT NOT NULL,
    at REAL NOT NULL,
    UNIQUE (graph, text)
)
"""
_UPSERT = """
INSERT INTO corrections (graph, text, label, answer, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (graph, text) DO UPDATE SET label = excluded.label, answer = excluded.answer, at = excluded.at
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Correction:
    """One text and the label a person gave it.

    Attributes:
        answer: what the graph had said about it.
        at: when, in seconds since the epoch.
    """

    id: int
    text: str
    label: str
    answer: Answer
    at: float


class CorrectionStore:
    """Corrections of one graph in a SQLite file.  Threads and processes may share the file.

    Args:
        path: the file; missing parent folders are made.
        labels: the label space; other labels are refused.
        graph: several graphs may keep their corrections in one file.
    """

    def __init__(self, path: Path, labels: Sequence[str], *, graph: str = "emotion") -> None:
        self.path = path
        self.labels = tuple(labels)
        self.graph = graph

    def add(self, text: str, label: str, answer: Answer, at: float) -> Correction:
        """Stores a correction; a later one of the same text takes its place.

        Raises:
            UnknownNameError: the label is outside the label space.
            DataError: the text is blank, or the file cannot be written.
        """
        if label not in self.labels:
            raise UnknownNameError("label", label, self.labels)
        if not text.strip():
            raise DataError("a correction needs a text, got a blank one")
        text = text.encode("utf-8", "replace").decode("utf-8")  # SQLite cannot hold lone surrogates
        stored = json.dumps(answer.to_dict())
        with self._open() as database:
            (number,) = database.execute(_UPSERT, (self.graph, text, label, stored, at)).fetchone()
        return Correction(number, text, label, answer, at)

    def all(self) -> list[Correction]:
        """Every correction, in the order their texts were first corrected."""
        with self._open() as database:
            rows = database.execute(
                "SELECT id, text, label, answer, at FROM corrections WHERE graph = ? ORDER BY id",
                (self.graph,),
            ).fetchall()
        return [
            Correction(number, text, label, Answer.from_dict(json.loads(answer)), at)
            for number, text, label, answer, at in rows
        ]

    def count(self) -> int:
        with self._open() as database:
            row = database.execute(
                "SELECT count(*) FROM corrections WHERE graph = ?", (self.graph,)
            ).fetchone()
        return int(row[0])

    def remove(self, number: int) -> bool:
        """Forgets the correction with this id; False when there is none."""
        with self._open() as database:
            found = database.execute(
                "DELETE FROM corrections WHERE graph = ? AND id = ?", (self.graph, number)
            )
            return found.rowcount > 0

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One connection per operation, so that any thread may call; commits when the block ends well."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                with database:
                    database.execute(_SCHEMA)
                    yield database
        except (OSError, sqlite3.Error) as error:
            raise DataError(
                f"corrections at {self.path}: {error}",
                hint="check the file, or set MENDGRAPH_HOME to another folder",
            ) from error
