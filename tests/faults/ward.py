"""An emotion graph whose primary falls ill, a backup that is well, and a journal that would miss a lost row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import mendgraph
from mendgraph.app import MendGraph
from mendgraph.core.calibration import Temperature
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.supervision import BreakerPolicy, Supervision
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer, Attempt
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import LABELS, Fault, FaultPlan, Scripted, injecting
from tests.cascades import policy_for
from tests.runtime.clocks import Clock

ROWS = [f"row {number}" for number in range(8)]
TRUTH = dict(zip(ROWS, LABELS, strict=True))
SCRIPT = Recipe("mendgraph.testing:Scripted", {"answers": TRUTH})

INLINE = Supervision(backoff_s=0.0, recheck_s=0.0)
QUICK = BreakerPolicy(cool_down_s=0.05, max_cool_down_s=0.05)
"""For tiers in threads and processes, whose time is real."""

MARKS = {"primary": "scripted", "backup": "scripted"}


def believed(marks: Mapping[str, str], **more: Any) -> HealingPolicy:
    """A policy that takes tiers of these fingerprints at their word."""
    return policy_for({}, **{"calibrators": {t: Temperature(1.0, mark) for t, mark in marks.items()}, **more})


class Recorded:
    """A graph all of whose runs are checked: one answer per row, in order, and the same ones in the journal."""

    def __init__(self, graph: MendGraph, journal: SqliteJournal) -> None:
        self.graph = graph
        self.journal = journal

    @property
    def health(self) -> dict[str, Any]:
        """The primary's, through JSON."""
        found: dict[str, Any] = json.loads(json.dumps(self.graph.health()["primary"]))
        return found

    def run(self, rows: Sequence[object] = ROWS, **options: Any) -> list[Answer]:
        answers = self.graph.run(list(rows), **options)
        assert len(answers) == len(rows)
        known = [row if isinstance(row, str) and row in TRUTH else None for row in rows]
        assert all(row in (None, a.input) for a, row in zip(answers, known, strict=True))
        with JournalReader(self.journal.path) as reader:
            entries = reader.answers(reader.find("last").id)
        assert {row: entry.answer for row, entry in entries.items()} == dict(enumerate(answers))
        assert self.journal.error is None
        return answers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.graph.close()
        self.journal.close()


class Ward(Recorded):
    """A primary that answers from `TRUTH` until it is struck, and a backup that always does.

    Args:
        folder: where the journal and the plan of the faults lie.
        supervision: of the primary.  Inline, `clock` is the only time there is.
        primary: how to open another one.
        marks: the fingerprints that the policy was fitted for.
    """

    def __init__(
        self,
        folder: Path,
        supervision: Supervision = INLINE,
        *,
        primary: Recipe | Callable[[], Tier] = SCRIPT,
        marks: Mapping[str, str] = MARKS,
    ) -> None:
        self.plan = folder / "plan.json"
        self.clock = Clock()
        time: dict[str, Any] = {"clock": self.clock, "sleep": self.clock.sleep}
        source = injecting(self.plan, ledger=folder / "ledger")("primary", primary)
        tiers: dict[str, Tier] = {
            "primary": Supervised(
                "primary", source, supervision, **time if supervision.isolation == "inline" else {}
            ),
            "backup": Scripted(TRUTH, confidence=0.8),
        }
        journal = SqliteJournal(folder / "journal.sqlite", synchronous="normal")
        super().__init__(
            mendgraph.load("emotion", tiers=tiers, policy=believed(marks), journal=journal), journal
        )

    def strike(self, *faults: Fault) -> None:
        """From now on, until `end`."""
        part = self.plan.with_suffix(".part")
        part.write_text(json.dumps(FaultPlan(faults).to_dict()))
        part.replace(self.plan)

    def end(self) -> None:
        self.plan.unlink()


def failed(step: Attempt, kind: str, *words: str) -> None:
    """The primary's attempt, which says why the row went on."""
    assert step.failure is not None
    assert (step.tier, step.failure.kind, step.verdict) == ("primary", kind, "defer")
    assert all(word in step.failure.message for word in words), step.failure.message
    assert step.reason == step.failure.message


def healed(answers: Sequence[Answer], kind: str, *words: str) -> None:
    """Every row was answered by the backup, because of this."""
    for answer in answers:
        assert (answer.status, answer.label, answer.source) == ("accepted", TRUTH[answer.input], "backup")
        failed(answer.trail[0], kind, *words)
        assert [step.tier for step in answer.trail] == ["primary", "backup"]


def well(answers: Sequence[Answer]) -> None:
    """Every row was answered by the primary, at once."""
    for answer in answers:
        assert (answer.status, answer.label, answer.source) == ("accepted", TRUTH[answer.input], "primary")
        assert [step.verdict for step in answer.trail] == ["accept"]


def without_time(answer: Answer) -> Answer:
    return replace(answer, trail=tuple(replace(step, seconds=0.0) for step in answer.trail))
