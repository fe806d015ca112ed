"""Isotonic regression of the confidence in the answer (Zadrozny and Elkan, KDD 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, IntArray, probability_matrix
from mendgraph.core.calibration.base import (
    CALIBRATORS,
    Stored,
    finite,
    fitting_set,
    require,
    with_confidence,
)


@CALIBRATORS.register("isotonic")
@dataclass(frozen=True, slots=True)
class Isotonic(Stored):
    """P(argmax is right) as a non-decreasing, piecewise linear function of max p, constant outside the knots.

    Fitted with one right row added at the lowest and one wrong row at the highest confidence: nothing is ever
    certain, and a set that is all right gets Laplace's (n + 1)/(n + 2).  Wants more rows than `Platt`: a
    thousand rather than a hundred.  `transform` and `classes` as in `Platt`.

    Attributes:
        raw: (K,) knots in max p, strictly rising.
        calibrated: (K,) values at the knots, non-decreasing, in [0, 1].
    """

    raw: tuple[float, ...]
    calibrated: tuple[float, ...]
    fingerprint: str = ""
    kind: ClassVar[str] = "isotonic"

    def __post_init__(self) -> None:
        raw, calibrated = self.raw, self.calibrated
        require(
            len(raw) == len(calibrated) > 0
            and finite(*raw, *calibrated)
            and all(a < b for a, b in pairwise(raw))
            and all(a <= b for a, b in pairwise(calibrated))
            and calibrated[0] >= 0
            and calibrated[-1] <= 1,
            f"isotonic knots must rise and lie in [0, 1], got {len(raw)} and {len(calibrated)} values",
        )

    @classmethod
    def fit(cls, probabilities: ArrayLike, labels: ArrayLike, *, fingerprint: str = "") -> Self:
        matrix, truth = fitting_set(probabilities, labels)
        top = matrix.max(axis=1)
        right = (matrix.argmax(axis=1) == truth).astype(np.float64)
        top = np.concatenate([[top.min()], top, [top.max()]])
        right = np.concatenate([[1.0], right, [0.0]])
        raw, where, counts = np.unique(top, return_inverse=True, return_counts=True)
        means = np.bincount(where, weights=right) / counts
        fitted = pava(means, counts.astype(np.float64))
        # Inside a flat stretch only the two end knots carry information.
        keep = np.ones(len(raw), dtype=bool)
        keep[1:-1] = (fitted[1:-1] != fitted[:-2]) | (fitted[1:-1] != fitted[2:])
        return cls(tuple(raw[keep].tolist()), tuple(fitted[keep].tolist()), fingerprint)

    def transform(self, probabilities: ArrayLike) -> FloatArray:
        matrix = probability_matrix(probabilities)
        return with_confidence(matrix, self.confidence(matrix))

    def classes(self, probabilities: ArrayLike) -> IntArray:
        return np.asarray(probability_matrix(probabilities).argmax(axis=1), dtype=np.int64)

    def confidence(self, probabilities: ArrayLike) -> FloatArray:
        top = probability_matrix(probabilities).max(axis=1)
        return np.asarray(np.interp(top, self.raw, self.calibrated), dtype=np.float64)


def pava(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted least-squares non-decreasing fit by pooling adjacent violators (Ayer et al., 1955); (N,)."""
    means: list[float] = []
    masses: list[float] = []
    lengths: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        means.append(value)
        masses.append(weight)
        lengths.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            mean, mass, length = means.pop(), masses.pop(), lengths.pop()
            total = masses[-1] + mass
            means[-1] = (means[-1] * masses[-1] + mean * mass) / total
            masses[-1] = total
            lengths[-1] += length
    return np.repeat(np.array(means, dtype=np.float64), lengths)
