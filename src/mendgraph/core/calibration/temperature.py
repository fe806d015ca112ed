"""Temperature scaling (Guo et al., ICML 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, IntArray, clipped_log, probability_matrix, softmax
from mendgraph.core.calibration.base import CALIBRATORS, Stored, finite, fitting_set, require
from mendgraph.core.conditional_logit import fit_conditional_logit

HOTTEST: Final = 20.0
"""Bound on T and on 1/T: beyond it every row is as good as uniform, or as good as certain."""


@CALIBRATORS.register("temperature")
@dataclass(frozen=True, slots=True)
class Temperature(Stored):
    """p -> softmax(log p / T); the answer and the order of the classes never change.

    1/T minimises the cross-entropy plus l2/2 (1/T - 1)^2 over the whole set, so that a small or separable
    set leaves T finite.
    """

    temperature: float
    fingerprint: str = ""
    kind: ClassVar[str] = "temperature"

    def __post_init__(self) -> None:
        require(
            finite(self.temperature) and self.temperature > 0,
            f"temperature must be positive, got {self.temperature!r}",
        )

    @classmethod
    def fit(
        cls, probabilities: ArrayLike, labels: ArrayLike, *, fingerprint: str = "", l2: float = 1.0
    ) -> Self:
        matrix, truth = fitting_set(probabilities, labels)
        targets = np.eye(matrix.shape[1])[truth]
        inverse, _ = fit_conditional_logit(clipped_log(matrix)[:, :, None], targets, prior=np.ones(1), l2=l2)
        # The loss is convex in 1/T, so the bounded optimum is the clipped one.
        return cls(1.0 / float(np.clip(inverse[0], 1 / HOTTEST, HOTTEST)), fingerprint)

    def transform(self, probabilities: ArrayLike) -> FloatArray:
        return softmax(clipped_log(probability_matrix(probabilities)) / self.temperature)

    def classes(self, probabilities: ArrayLike) -> IntArray:
        return np.asarray(probability_matrix(probabilities).argmax(axis=1), dtype=np.int64)

    def confidence(self, probabilities: ArrayLike) -> FloatArray:
        return np.asarray(self.transform(probabilities).max(axis=1), dtype=np.float64)
