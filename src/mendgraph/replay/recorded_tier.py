"""A tier that answers from the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mendgraph.core.values import Attempt, Failure, Input, Prediction

Outcome = Prediction | Failure

UNRECORDED: Final = "not_recorded"
"""Kind of the failure that says a tier was never asked about a row, so that nobody knows what it would have said."""

PLACE: Final = "recorded_row"
"""The fact by which a row is known: texts may be missing, and equal texts may have been answered differently."""


class RecordedTier:
    """Repeats what a tier said of each row, calibrated as it was; it calls no model unless it is given one.

    Args:
        said: place of a row -> the attempt on record.
        live: answers rows the record lacks; None leaves them unknown.

    Attributes:
        asked: place -> what `live` said and the seconds it took per row.
    """

    def __init__(
        self,
        name: str,
        fingerprint: str,
        said: Mapping[int, Attempt],
        live: Callable[[Sequence[Input]], Sequence[Outcome]] | None = None,
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.asked: dict[int, tuple[Outcome, float]] = {}
        self._said = said
        self._live = live

    def predict(self, rows: Sequence[Input]) -> list[Outcome]:
        missing = [row for row in rows if row.facts[PLACE] not in self._said]
        if missing and self._live is not None:
            started = time.perf_counter()
            outcomes = self._live(missing)
            seconds = (time.perf_counter() - started) / len(missing)
            for row, outcome in zip(missing, outcomes, strict=True):
                self.asked[row.facts[PLACE]] = outcome, seconds
        return [self._one(row.facts[PLACE]) for row in rows]

    def seconds(self, place: int) -> float:
        """What the tier took for this row, then or now; 0 where it was never asked."""
        if place in self._said:
            return self._said[place].seconds
        return self.asked[place][1] if place in self.asked else 0.0

    def _one(self, place: int) -> Outcome:
        attempt = self._said.get(place)
        if attempt is not None:
            outcome = attempt.prediction or attempt.failure
            assert outcome is not None
            return outcome
        if place in self.asked:
            return self.asked[place][0]
        return Failure(
            UNRECORDED, f"tier {self.name!r} was never asked about this row", "ask it: --call-models"
        )
