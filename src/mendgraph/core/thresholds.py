"""Thresholds chosen on held-out rows; a row is accepted when its confidence is >= the threshold.

All rules are empirical: they hold on the rows they were chosen on, and on new rows only up to sampling error.
They choose among the distinct confidences seen, since between two of them nothing changes.  A threshold that
keeps every held-out row is 0, one that keeps none is `NEVER`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, confidence_vector
from mendgraph.core.metrics.selective import blocks
from mendgraph.errors import ArtifactError, DataError

NEVER: Final = math.nextafter(1.0, 2.0)
"""The smallest float above 1: no confidence reaches it, and unlike infinity it survives JSON."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A confidence to reach, and what it did on the held-out rows.

    Attributes:
        value: in [0, 1], or `NEVER`.
        coverage: share of the held-out rows it accepts.
        risk: share of the accepted that is wrong; 0 when none is accepted, None when it was not measured.
        rule: how it was chosen, for a person: ``"risk <= 0.05"``.
    """

    value: float
    coverage: float
    risk: float | None
    rule: str

    def __post_init__(self) -> None:
        if not 0 <= self.value <= NEVER:
            raise ArtifactError(
                f"threshold must lie in [0, 1] or be NEVER, got {self.value!r}",
                hint="choose the threshold again",
            )

    @property
    def attainable(self) -> bool:
        """Whether any row can be accepted at all."""
        return self.value <= 1

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["value"], data["coverage"], data["risk"], data["rule"])


def for_risk(confidence: ArrayLike, correct: ArrayLike, risk: float) -> Threshold:
    """The largest coverage whose risk on these rows is at most `risk`; not a guarantee for new rows."""
    if not 0 <= risk <= 1:
        raise DataError(f"risk must lie in [0, 1], got {risk!r}")
    curve = _Curve(confidence, correct)
    allowed = np.flatnonzero(curve.errors / np.maximum(curve.answered, 1) <= risk)
    return curve.at(int(allowed.max(initial=0)), f"risk <= {risk:g}")


def for_coverage(confidence: ArrayLike, coverage: float, correct: ArrayLike | None = None) -> Threshold:
    """The highest threshold that accepts at least this share of the rows; equal confidences stay together.

    Args:
        correct: when given, the threshold's risk is measured too.
    """
    if not 0 <= coverage <= 1:
        raise DataError(f"coverage must lie in [0, 1], got {coverage!r}")
    surety = confidence_vector(confidence)
    curve = _Curve(surety, np.ones(len(surety), dtype=bool) if correct is None else correct)
    enough = np.flatnonzero(curve.answered >= coverage * curve.answered[-1] - 1e-9)
    return curve.at(int(enough[0]), f"coverage >= {coverage:g}", measured=correct is not None)


def for_cost(confidence: ArrayLike, correct: ArrayLike, cost_error: float, cost_defer: float) -> Threshold:
    """The least total cost: `cost_error` per accepted wrong row, `cost_defer` per row passed on.

    Of equal costs the one that accepts more.  With calibrated confidences this comes near Chow's rule (1970):
    accept when 1 - confidence <= cost_defer / cost_error.
    """
    if not (0 <= cost_error < math.inf and 0 <= cost_defer < math.inf):
        raise DataError(f"costs must be finite and >= 0, got error {cost_error!r} and defer {cost_defer!r}")
    curve = _Curve(confidence, correct)
    cost = cost_error * curve.errors + cost_defer * (curve.answered[-1] - curve.answered)
    best = int(np.flatnonzero(cost <= cost.min() * (1 + 1e-12))[-1])
    return curve.at(best, f"least cost at error {cost_error:g}, defer {cost_defer:g}")


class _Curve:
    """Every distinct decision: index 0 accepts nothing, index k the k surest blocks."""

    def __init__(self, confidence: ArrayLike, correct: ArrayLike) -> None:
        values, answered, errors = blocks(confidence, correct)
        if values[-1] < 0 or values[0] > 1:
            raise DataError(f"confidences must lie in [0, 1], got {values[-1]:g} to {values[0]:g}")
        self.values: FloatArray = np.concatenate([[NEVER], values])
        self.answered: FloatArray = np.concatenate([[0.0], answered])
        self.errors: FloatArray = np.concatenate([[0.0], errors])

    def at(self, index: int, rule: str, measured: bool = True) -> Threshold:
        answered, everything = float(self.answered[index]), float(self.answered[-1])
        return Threshold(
            value=0.0 if answered == everything else float(self.values[index]),
            coverage=answered / everything,
            risk=float(self.errors[index]) / max(answered, 1.0) if measured else None,
            rule=rule,
        )
