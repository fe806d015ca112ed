"""A tier as a node: one call over the rows that are still open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Attempt, Input, Prediction
from mendgraph.nodes.call import Outcome, call
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.limits import allowance
from mendgraph.nodes.state import CascadeState, Spent

Node = Callable[..., dict[str, Any]]


def tier_node(name: str, default: Context, *, only: str | None = None) -> Node:
    """Adds one attempt of tier `name` to the trail of every open row that has not tried it.

    With `only` it is asked about rows that have this fact and about no others; see `concerns`.
    Rows that the run can no longer afford get a failure that says so instead.
    """

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        numbers = [row for row in state["open"] if concerns(state, row, only)]
        cost = context.costs.get(name, 1.0)
        allowed = allowance(state["options"], state["spent"], cost, len(numbers))
        rows = [Input(**prepared) for row in numbers[: allowed.rows] if (prepared := state["rows"][row])]
        tier = context.tiers[name]
        started = context.clock()
        served = call(
            name,
            tier,
            rows,
            context.policy.labels,
            down=name in state["options"].get("down", ()),
            seconds=allowed.seconds,
        )
        spent = context.clock() - started
        each = spent / max(len(rows), 1)
        said = [o for o in served.outcomes if isinstance(o, Prediction)]
        own = getattr(tier, "calibrator", None)
        calibrated = iter(context.policy.calibrate(name, tier.fingerprint, said, own))
        trails = list(state["trails"])
        outcomes = [*served.outcomes, *_cut(allowed.cut, numbers, rows)]
        for place, (row, outcome) in enumerate(zip(numbers, outcomes, strict=True)):
            prediction = next(calibrated) if isinstance(outcome, Prediction) else None
            failure = None if isinstance(outcome, Prediction) else outcome
            asked = place < len(rows)
            step = Attempt(
                name,
                prediction,
                failure,
                seconds=each if asked else 0.0,
                fingerprint=tier.fingerprint,
                notes=(*_reading(state, row), *(served.notes if asked else ())),
            ).to_dict()
            trails[row] = [*trails[row], step]
            runtime.stream_writer({"event": "attempt", "row": row, "attempt": step})
        return {"trails": trails, "spent": _added(state["spent"], spent, cost, served.outcomes)}

    return run


def concerns(state: CascadeState, row: int, only: str | None) -> bool:
    """Whether a tier is asked about a row: always, or only where preparation found the fact `only` to hold."""
    prepared = state["rows"][row]
    return only is None or bool(prepared and prepared["facts"].get(only))


def _reading(state: CascadeState, row: int) -> Sequence[str]:
    """What it took to read the row at all; told by its first attempt."""
    prepared = state["rows"][row]
    return prepared["facts"].get("notes", ()) if prepared and not state["trails"][row] else ()


def _cut(failure: Outcome | None, numbers: Sequence[int], rows: Sequence[Input]) -> list[Outcome]:
    return [] if failure is None else [failure] * (len(numbers) - len(rows))


def _added(spent: Spent, seconds: float, cost: float, outcomes: Sequence[Outcome]) -> Spent:
    """A tier that was not called, because it is down, costs nothing."""
    called = sum(isinstance(o, Prediction) or o.kind != "tier_down" for o in outcomes)
    return {"seconds": spent["seconds"] + seconds, "cost": spent["cost"] + cost * called}
