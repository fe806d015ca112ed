"""The calls of tiers that one node of a graph that writes makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Attempt, Input, Prediction
from mendgraph.core.writing import Task
from mendgraph.nodes.call import call
from mendgraph.nodes.context import Context
from mendgraph.nodes.limits import allowance
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
        context, options = self.context, self.state["options"]
        cost = context.costs.get(name, 1.0) if tokens else 0.0
        allowed = allowance(options, self._spent, cost, len(numbers))
        asked, cut = numbers[: allowed.rows], numbers[allowed.rows :]
        tier = context.tiers[name]
        started = context.clock()
        served = call(
            name,
            tier,
            [self._input(row, tokens) for row in asked],
            context.policy.labels,
            down=name in options.get("down", ()),
            seconds=allowed.seconds,
        )
        took = context.clock() - started
        self._spent["seconds"] += took
        called = sum(isinstance(o, Prediction) or o.kind != "tier_down" for o in served.outcomes)
        self._spent["cost"] += cost * called
        found = {}
        for row, outcome in zip(asked, served.outcomes, strict=True):
            said = outcome if isinstance(outcome, Prediction) else None
            failure = None if isinstance(outcome, Prediction) else outcome
            found[row] = Attempt(
                name,
                said,
                failure,
                seconds=took / len(asked),
                fingerprint=tier.fingerprint,
                notes=served.notes,
            )
        for row in cut:
            found[row] = Attempt(name, failure=allowed.cut)
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
