"""The edge of every graph: one small protocol between a cascade and whatever can answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from mendgraph.core.values import Failure, Input, Prediction


@runtime_checkable
class Tier(Protocol):
    """A model, rule or index that can answer rows.

    `predict` returns one outcome per row, in order.  A failure of single rows is returned as a `Failure`;
    a failure of the whole call is raised as a `TierError`.  Implementations must be safe to call from
    several threads at once.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """Hash of the weights that answer now; "" while there are none."""
        ...

    def predict(self, rows: Sequence[Input]) -> Sequence[Prediction | Failure]: ...
