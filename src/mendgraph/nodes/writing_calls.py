"""The calls of tiers that one node of a graph that writes makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Attempt, Input
from mendgraph.core.writing import Task
from mendgraph.nodes.attempts import attempts
from mendgraph.nodes.context import Context
from mendgraph.nodes.state import Spent
from mendgraph.nodes.switches import Switches


class Calls:
    """One node's calls of tiers, and what they took."""

    def __init__(
        self, state: Mapping[str, Any], context: Context, runtime: Runtime[Context], switches: Switches
    ) -> None:
        self.state, self.context, self.runtime = state, context, runtime
        self._gone = switches.now()
        self._spent: Spent = {"seconds": state["spent"]["seconds"], "cost": state["spent"]["cost"]}
        self._trails = list(state["trails"])

    def ask(self, name: str, numbers: Sequence[int], tokens: int) -> dict[int, Attempt]:
        """An attempt for each row; a failure for those that the run can no longer afford."""
        if not numbers:
            return {}
        found, self._spent = attempts(
            self.context,
            self.state["options"],
            self._spent,
            name,
            {row: partial(self._input, row, tokens) for row in numbers},
            self.context.policy.labels,
            self.context.costs.get(name, 1.0) if tokens else 0.0,
        )
        return found

    def tell(self, row: int, attempt: Attempt) -> None:
        """Put an attempt into the trail that no check will see."""
        self._trails[row] = [*self._trails[row], attempt.to_dict()]

    def update(self) -> dict[str, Any]:
        return {"spent": self._spent, "trails": self._trails}

    def _input(self, row: int, tokens: int) -> Input:
        prepared = self.state["rows"][row]
        assert prepared is not None
        task = Task(row, self.state["texts"][row], tokens, prepared["facts"]["ways"], self._gone)
        return Input(prepared["text"], prepared["raw"], task.to_dict())
