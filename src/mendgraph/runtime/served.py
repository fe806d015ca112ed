"""What a supervised call gave, and whether all of it is bad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.core.values import Failure
from mendgraph.errors import BadOutput, TierError
from mendgraph.runtime.channel import Outcome

__all__ = ["Served", "all_bad"]

_ROWS_OWN = frozenset({"input", "tier"})
"""Kinds of failure with which a healthy tier declines a row, such as a text that is not what it reads."""


@dataclass(frozen=True, slots=True)
class Served:
    """What one supervised call gave.

    Attributes:
        outcomes: one per row, in order.
        notes: what it took, oldest first, for the trail.
    """

    outcomes: list[Outcome]
    notes: tuple[str, ...]


def all_bad(name: str, outcomes: Sequence[Outcome]) -> TierError | None:
    """A failure of the whole call that was answered row by row; None when any row is good or merely declined."""
    first = outcomes[0]
    if not isinstance(first, Failure):
        return None
    if any(not isinstance(o, Failure) or o.kind in _ROWS_OWN for o in outcomes):
        return None
    return BadOutput(f"tier {name!r} failed on all {len(outcomes)} rows: {first.kind}: {first.message}")
