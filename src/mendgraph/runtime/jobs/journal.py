"""A journal's view of a job: every chunk is a run with an identity of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer
from mendgraph.runtime.journal import Journal


class ChunkJournal:
    """Records a chunk under the run identity that the job gives it.

    A chunk is recorded before it is committed.  One that was recorded and then lost its process is answered again and
    recorded again under the same identity: a `SqliteJournal` knows it by that and keeps it once; a journal of JSON
    lines, which keeps no identities, holds its rows twice.
    """

    def __init__(self, journal: Journal, run: str) -> None:
        self._journal = journal
        self._run = run

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        self._journal.record(replace(run, id=self._run), answers)

    def close(self) -> None:
        """Nothing: the journal outlives its chunks."""
