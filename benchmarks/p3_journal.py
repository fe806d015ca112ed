"""P3: what the journal costs per graph step, against LangGraph's SqliteSaver with ``durability="sync"``.

Three graphs of the same nodes and tiers answer the same rows: one keeps nothing, one records to the journal, one
checkpoints to SQLite.  What the first takes is taken off the other two, and the rest divided by the steps.  Both
databases are in WAL mode with ``synchronous=FULL``, on the same disk.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite import SqliteSaver

import mendgraph
from benchmarks.harness import RESULTS, Figure, Goal, Seconds, figure, interleaved, machine, report, summary
from benchmarks.texts import mixed_lengths
from mendgraph import MendGraph
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.healing import HealingPolicy
from mendgraph.graphs.emotion import LABELS
from mendgraph.runtime.journal import Journal
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.testing import Scripted

GOAL = Goal(1.0, 0.5, "lower")
TIERS = ("primary", "lexical", "neighbours", "descriptions", "ensemble")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many rows a run has, and how sure its primary is: doubt sends every row through all tiers."""

    name: str
    rows: int
    sure: float


SHAPES = (
    Shape("1 row settled by the primary", 1, 0.9),
    Shape("1 row through five tiers", 1, 0.3),
    Shape("32 rows through five tiers", 32, 0.3),
)


def cascade(
    sure: float, *, journal: Journal | None = None, saver: BaseCheckpointSaver[Any] | None = None
) -> MendGraph:
    tiers = {name: Scripted({}, otherwise="joy", confidence=sure) for name in TIERS}
    policy = HealingPolicy(
        labels=LABELS,
        calibrators={name: Temperature(1.0, tier.fingerprint) for name, tier in tiers.items()},
        thresholds={"default": 0.6},
    )
    return mendgraph.load("emotion", tiers=tiers, policy=policy, journal=journal, checkpointer=saver)


def runner(graph: MendGraph, texts: list[str], rows: int, **given: Any) -> Callable[[int], object]:
    """Runs round n on its own rows and, where there is a checkpointer, in a thread of its own."""

    def run(number: int) -> object:
        batch = texts[number * rows : (number + 1) * rows]
        thread: Any = {"configurable": {"thread_id": f"{rows} {number}"}} if given else None
        return graph.graph.invoke(graph.request(batch), thread, output_keys=["answers"], **given)

    return run


def compare(shape: Shape, folder: Path, repeats: int) -> Figure:
    name = shape.name.replace(" ", "_")
    texts = mixed_lengths(repeats * shape.rows)
    path = folder / f"{name}.journal.sqlite"
    with (
        SqliteJournal(path, synchronous="full") as journal,
        closing(sqlite3.connect(folder / f"{name}.saver.sqlite", check_same_thread=False)) as database,
    ):
        saver = SqliteSaver(database)
        saver.setup()
        database.execute("PRAGMA synchronous = FULL")
        sides = {
            "bare": runner(cascade(shape.sure), texts, shape.rows),
            "journal": runner(cascade(shape.sure, journal=journal), texts, shape.rows),
            "saver": runner(cascade(shape.sure, saver=saver), texts, shape.rows, durability="sync"),
        }
        taken = interleaved(sides, repeats=repeats, warmup=20)
        thread: Any = {"configurable": {"thread_id": f"{shape.rows} 0"}}
        steps = [saved.metadata["step"] for saved in saver.list(thread)]
    with JournalReader(path) as reader:
        runs, rows = reader.count()
        assert rows == runs * shape.rows
    count = max(steps)
    journal_cost, saver_cost = (beyond(taken[side], taken["bare"]) / count for side in ("journal", "saver"))
    return figure(
        f"{shape.name}, {count} steps",
        GOAL,
        journal_cost,
        saver_cost,
        steps=count,
        journal_per_step=summary(journal_cost),
        saver_per_step=summary(saver_cost),
        bare_run=summary(taken["bare"]),
    )


def beyond(taken: Seconds, bare: Seconds) -> Seconds:
    return np.maximum(taken - np.median(bare), 0.0)


def main(repeats: int = 300) -> None:
    before = machine()
    # Beside the results rather than in the system's temporary folder, which may be memory and sync for nothing.
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RESULTS) as folder:
        figures = [compare(shape, Path(folder), repeats) for shape in SHAPES]
    report("p3_journal", "cost per step of the durable journal, against SqliteSaver (sync)", figures, before)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
