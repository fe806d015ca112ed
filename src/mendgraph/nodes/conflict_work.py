"""One node's calls of tiers in the conflict graph: who is asked, in which order, what it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.conflict import Document, documents_of, spoken
from mendgraph.core.conflict_case import Case
from mendgraph.core.conflict_stages import COSTS, LABELS_OF, Stage, roles
from mendgraph.core.values import Attempt, Failure, Input, Verdict
from mendgraph.nodes.attempts import attempts
from mendgraph.nodes.context import Context
from mendgraph.nodes.limits import CUTS
from mendgraph.nodes.state import CascadeState, Spent

__all__ = ["Work"]


class Work:
    """Asks tiers about rows, tells their trails, and changes their cases; `update` is what the node returns."""

    def __init__(self, state: Any, context: Context, runtime: Runtime[Context]) -> None:
        self.state: CascadeState = state
        self.context, self.runtime = context, runtime
        self.cases = [None if case is None else Case.from_dict(case) for case in state["cases"]]
        self._rows = list(state["rows"])
        self._spent: Spent = {"seconds": state["spent"]["seconds"], "cost": state["spent"]["cost"]}
        self._trails = list(state["trails"])
        self._roles = roles(tuple(context.tiers))

    def waiting(self, stage: str) -> list[int]:
        """Rows that wait for a stage, in order."""
        return [row for row in self.state["open"] if self.case(row).next == stage]

    def case(self, row: int) -> Case:
        found = self.cases[row]
        assert found is not None
        return found

    def input(self, row: int) -> Input:
        prepared = self._rows[row]
        assert prepared is not None
        return Input(**prepared)

    def documents(self, row: int) -> list[Document]:
        return documents_of(self.input(row))

    def give(self, row: int, documents: Sequence[Document]) -> None:
        """Documents for a row that came without; answers and journals then show it as if it had brought them."""
        prepared = self._rows[row]
        assert prepared is not None
        facts = {**prepared["facts"], "documents": [one.to_dict() for one in documents]}
        self._rows[row] = {**prepared, "raw": spoken(prepared["text"], documents), "facts": facts}

    def every(self, role: str, stage: Stage, rows: Sequence[int]) -> dict[int, Attempt | None]:
        """`ask`, with None for rows that nobody was asked about."""
        found = self.ask(role, stage, rows)
        return {row: found.get(row) for row in rows}

    def ask(self, role: str, stage: Stage, rows: Sequence[int]) -> dict[int, Attempt]:
        """The first answer that a tier of the role gives for each row; where none can, the last one's failure.

        A row that the run can no longer afford is asked about no further; with no tier of this role it has no attempt.
        """
        found: dict[int, Attempt] = {}
        left = list(rows)
        for tier in self._roles[role]:
            for row, attempt in self._asked(tier, stage, left).items():
                if row in found:
                    self.passed(row, found[row])
                found[row] = attempt
            left = [row for row in left if found[row].prediction is None and not was_cut(found[row])]
            if not left:
                break
        return found

    def tell(self, row: int, attempt: Attempt) -> None:
        """Put an attempt into the row's trail, which a check is to judge."""
        step = _told(attempt)
        self._trails[row] = [*self._trails[row], step]
        self.runtime.stream_writer({"event": "attempt", "row": row, "attempt": step})

    def judge(self, row: int, verdict: Verdict, threshold: float | None, reason: str) -> None:
        """What becomes of the row's latest attempt."""
        step = {**self._trails[row][-1], "verdict": verdict, "threshold": threshold, "reason": reason}
        self._trails[row] = [*self._trails[row][:-1], step]
        self.runtime.stream_writer({"event": "verdict", "row": row, "attempt": step})

    def passed(self, row: int, attempt: Attempt | None, reason: str = "") -> None:
        """Put an attempt into the trail that no check judges: the row goes on."""
        if attempt is not None:
            self.tell(row, attempt)
            self.judge(row, "defer", None, reason or _why(attempt))

    def on(self, row: int, what: str, value: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """One thing more is done; see `Case.after`."""
        self.cases[row] = self.case(row).after(what, value, **changes)

    def update(self) -> dict[str, Any]:
        cases = [None if case is None else case.to_dict() for case in self.cases]
        still = [row for row in self.state["open"] if self.case(row).next]
        return {
            "rows": self._rows,
            "cases": cases,
            "trails": self._trails,
            "spent": self._spent,
            "open": still,
        }

    def _asked(self, name: str, stage: Stage, rows: Sequence[int]) -> dict[int, Attempt]:
        found, self._spent = attempts(
            self.context,
            self.state["options"],
            self._spent,
            name,
            {row: partial(self._input, row, stage) for row in rows},
            LABELS_OF[stage.name],
            self.context.costs.get(name, 1.0) * COSTS[stage.name],
        )
        return {row: self._with_reading(row, attempt) for row, attempt in found.items()}

    def _with_reading(self, row: int, attempt: Attempt) -> Attempt:
        told = () if was_cut(attempt) else self._reading(row)
        return replace(attempt, notes=(*told, *attempt.notes)) if told else attempt

    def _input(self, row: int, stage: Stage) -> Input:
        known = self.input(row)
        return Input(
            known.text, known.raw, {**known.facts, "stage": {**stage.to_dict(), "run": self.state["run"]}}
        )

    def _reading(self, row: int) -> Sequence[str]:
        """What it took to read the row at all; told by its first attempt."""
        notes: Sequence[str] = self.input(row).facts.get("notes", ())
        return notes if not self._trails[row] else ()


def was_cut(attempt: Attempt) -> bool:
    failure: Failure | None = attempt.failure
    return failure is not None and failure.kind in CUTS


def _why(attempt: Attempt) -> str:
    return attempt.failure.message if attempt.failure is not None else attempt.reason


def _told(attempt: Attempt) -> dict[str, Any]:
    """For the trail: an answer's own words as its label."""
    step = attempt.to_dict()
    said = step["prediction"]
    if said is not None and isinstance(said["value"], dict) and "text" in said["value"]:
        step["prediction"] = {**said, "label": said["value"]["text"] or "nothing"}
    return step
