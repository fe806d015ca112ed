"""A tier as a node: one call over the rows that are still open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Attempt, Input, Prediction
from mendgraph.nodes.call import call
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.state import CascadeState

Node = Callable[..., dict[str, Any]]


def tier_node(name: str, default: Context) -> Node:
    """Adds one attempt of tier `name` to the trail of every open row that has not tried it."""

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        numbers = [row for row in state["open"] if concerns(state, row, name)]
        rows = [Input(**prepared) for row in numbers if (prepared := state["rows"][row]) is not None]
        tier = context.tiers[name]
        started = context.clock()
        outcomes = call(
            name, tier, rows, context.policy.labels, down=name in state["options"].get("down", ())
        )
        spent = (context.clock() - started) / max(len(rows), 1)
        said = [o for o in outcomes if isinstance(o, Prediction)]
        calibrated = iter(context.policy.calibrate(name, tier.fingerprint, said))
        trails = list(state["trails"])
        for row, outcome in zip(numbers, outcomes, strict=True):
            prediction = next(calibrated) if isinstance(outcome, Prediction) else None
            failure = None if isinstance(outcome, Prediction) else outcome
            step = Attempt(name, prediction, failure, seconds=spent, fingerprint=tier.fingerprint).to_dict()
            trails[row] = [*trails[row], step]
            runtime.stream_writer({"event": "attempt", "row": row, "attempt": step})
        return {"trails": trails}

    return run


def concerns(state: CascadeState, row: int, tier: str) -> bool:
    """The emoji tier is asked only about rows that are nothing but emoji; every other tier about all."""
    prepared = state["rows"][row]
    return tier != "emoji" or bool(prepared and prepared["facts"].get("emoji_only"))
