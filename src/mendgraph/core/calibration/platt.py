"""Platt scaling of the confidence in the answer (Platt, 1999)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import (
    PROBABILITY_FLOOR,
    FloatArray,
    IntArray,
    probability_matrix,
    sigmoid,
)
from mendgraph.core.calibration.base import (
    CALIBRATORS,
    Stored,
    finite,
    fitting_set,
    require,
    with_confidence,
)
from mendgraph.core.conditional_logit import fit_conditional_logit

L2: Final = 1e-3
"""Only there for rows that all have one confidence, where slope and intercept cannot be told apart."""


@CALIBRATORS.register("platt")
@dataclass(frozen=True, slots=True)
class Platt(Stored):
    """P(argmax is right) = sigmoid(slope * logit(max p) + intercept), slope >= 0.

    Fitted to Platt's smoothed targets (n+ + 1)/(n+ + 2) and 1/(n- + 2), so all-right and all-wrong sets stay
    finite.  On a set where surer rows are wrong more often the slope is 0: every row gets the base rate.

    `transform` puts that probability on the input's argmax and rescales the other classes to the rest; below
    one half another class may then come out on top, but `classes` stays with the input's argmax.
    """

    slope: float
    intercept: float
    fingerprint: str = ""
    kind: ClassVar[str] = "platt"

    def __post_init__(self) -> None:
        require(
            finite(self.slope, self.intercept) and self.slope >= 0,
            f"slope must be >= 0 and intercept finite, got {self.slope!r} and {self.intercept!r}",
        )

    @classmethod
    def fit(cls, probabilities: ArrayLike, labels: ArrayLike, *, fingerprint: str = "") -> Self:
        matrix, truth = fitting_set(probabilities, labels)
        right = matrix.argmax(axis=1) == truth
        wins = int(right.sum())
        target = np.where(right, (wins + 1) / (wins + 2), 1 / (len(right) - wins + 2))
        targets = np.stack([1 - target, target], axis=1)  # (N, 2): wrong, right
        evidence = np.zeros((len(right), 2, 2))
        evidence[:, 1, 0] = _logit_of_top(matrix)
        evidence[:, 1, 1] = 1.0
        (slope, intercept), _ = fit_conditional_logit(evidence, targets, prior=np.array([1.0, 0.0]), l2=L2)
        if slope < 0:
            # The loss is convex, so with slope >= 0 its minimum lies on the border.
            mean = float(target.mean())
            slope, intercept = 0.0, np.log(mean / (1 - mean))
        return cls(float(slope), float(intercept), fingerprint)

    def transform(self, probabilities: ArrayLike) -> FloatArray:
        matrix = probability_matrix(probabilities)
        return with_confidence(matrix, self.confidence(matrix))

    def classes(self, probabilities: ArrayLike) -> IntArray:
        return np.asarray(probability_matrix(probabilities).argmax(axis=1), dtype=np.int64)

    def confidence(self, probabilities: ArrayLike) -> FloatArray:
        return sigmoid(self.slope * _logit_of_top(probability_matrix(probabilities)) + self.intercept)


def _logit_of_top(probabilities: FloatArray) -> FloatArray:
    top = np.clip(probabilities.max(axis=1), PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return np.asarray(np.log(top) - np.log1p(-top), dtype=np.float64)
