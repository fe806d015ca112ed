"""The limits of a whole run: once its time or its budget is spent, every row keeps the best answer it has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mendgraph.core.values import Failure
from mendgraph.nodes.state import Options, Spent

DEADLINE, BUDGET = "run_deadline", "run_budget"
CUTS = frozenset({DEADLINE, BUDGET})
"""Kinds of failure that say a row was not asked about, because the run had nothing left to spend."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the next tier may still take.

    Attributes:
        rows: how many rows it may be asked about, from the first.
        seconds: how long it may take; None for no limit.
        cut: why the other rows are not asked about.
    """

    rows: int
    seconds: float | None
    cut: Failure | None


def allowance(options: Options, spent: Spent, cost: float, wanted: int) -> Allowance:
    """What a tier that costs `cost` a row may take when it is `wanted` for so many rows."""
    limit, budget = options.get("deadline_s"), options.get("budget")
    seconds = None if limit is None else limit - spent["seconds"]
    if limit is not None and seconds is not None and seconds <= 0.0:
        message = f"the run's {limit:g} s are spent"
        return Allowance(0, 0.0, Failure(DEADLINE, message, "allow a longer deadline"))
    if budget is None or cost == 0.0:
        return Allowance(wanted, seconds, None)
    # A rounding error of many small sums must not cost a row.
    affordable = (budget - spent["cost"]) / cost + 1e-9
    if affordable >= wanted:
        return Allowance(wanted, seconds, None)
    message = f"the run's budget of {budget:g} is spent"
    rows = math.floor(affordable) if affordable > 0 else 0
    return Allowance(rows, seconds, Failure(BUDGET, message, "allow a larger budget"))


def was_cut(trail: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last step of a row's trail was left out for want of time or budget."""
    failure = trail[-1]["failure"] if trail else None
    return failure is not None and failure["kind"] in CUTS
