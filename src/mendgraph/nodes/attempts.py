"""One call of a tier about some rows, as an attempt for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mendgraph.core.values import Attempt, Input, Prediction
from mendgraph.nodes.call import call
from mendgraph.nodes.context import Context
from mendgraph.nodes.limits import allowance
from mendgraph.nodes.state import Spent

__all__ = ["attempts"]


def attempts(
    context: Context,
    options: Any,
    spent: Spent,
    name: str,
    inputs: Mapping[int, Callable[[], Input]],
    labels: Sequence[str],
    cost: float,
) -> tuple[dict[int, Attempt], Spent]:
    """Also for the rows that the run can no longer afford: they are not asked about, and their failure says so.

    Args:
        options: of the run.
        inputs: row -> what makes its input, where it is asked about.
        labels: that the tier may say.
        cost: of one row.

    Returns:
        Row -> attempt, in order; and what the run has spent by now.
    """
    rows = list(inputs)
    allowed = allowance(options, spent, cost, len(rows))
    asked = rows[: allowed.rows]
    tier = context.tiers[name]
    started = context.clock()
    served = call(
        name,
        tier,
        [inputs[row]() for row in asked],
        labels,
        down=name in options.get("down", ()),
        seconds=allowed.seconds,
    )
    took = context.clock() - started
    called = sum(isinstance(one, Prediction) or one.kind != "tier_down" for one in served.outcomes)
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
    for row in rows[allowed.rows :]:
        found[row] = Attempt(name, failure=allowed.cut)
    return found, {"seconds": spent["seconds"] + took, "cost": spent["cost"] + cost * called}
