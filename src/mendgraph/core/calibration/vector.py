"""Vector scaling (Guo et al., ICML 2017): a scale and a bias per class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, IntArray, clipped_log, probability_matrix, softmax
from mendgraph.core.calibration.base import CALIBRATORS, Stored, finite, fitting_set, require
from mendgraph.core.conditional_logit import fit_conditional_logit
from mendgraph.errors import ShapeMismatch


@CALIBRATORS.register("vector")
@dataclass(frozen=True, slots=True)
class Vector(Stored):
    """p -> softmax(scale * log p + bias), both (C,).

    Mends a model that is too fond of some classes, so it may change the answer: take it from `classes`, the
    argmax of `transform`.  The penalty pulls towards the identity: l2/2 (|scale - 1|^2 + |bias|^2).
    """

    scale: tuple[float, ...]
    bias: tuple[float, ...]
    fingerprint: str = ""
    kind: ClassVar[str] = "vector"

    def __post_init__(self) -> None:
        require(
            len(self.scale) == len(self.bias) > 0 and finite(*self.scale, *self.bias),
            f"scale and bias must be finite and of one length, got {self.scale!r} and {self.bias!r}",
        )

    @classmethod
    def fit(
        cls, probabilities: ArrayLike, labels: ArrayLike, *, fingerprint: str = "", l2: float = 1.0
    ) -> Self:
        matrix, truth = fitting_set(probabilities, labels)
        rows, classes = matrix.shape
        identity = np.eye(classes)
        scale, bias = fit_conditional_logit(
            clipped_log(matrix)[:, :, None] * identity,  # (N, C, C): the weight of class c sees log p_c only
            identity[truth],
            prior=np.ones(classes),
            rows=np.ones((rows, 1)),
            l2=l2,
        )
        return cls(tuple(scale.tolist()), tuple(bias[:, 0].tolist()), fingerprint)

    def transform(self, probabilities: ArrayLike) -> FloatArray:
        matrix = probability_matrix(probabilities)
        if matrix.shape[1] != len(self.scale):
            raise ShapeMismatch(
                f"calibration was fitted on {len(self.scale)} classes, got {matrix.shape[1]}",
                hint="calibrate the tier again after its label set changed",
            )
        return softmax(clipped_log(matrix) * np.array(self.scale) + np.array(self.bias))

    def classes(self, probabilities: ArrayLike) -> IntArray:
        return np.asarray(self.transform(probabilities).argmax(axis=1), dtype=np.int64)

    def confidence(self, probabilities: ArrayLike) -> FloatArray:
        return np.asarray(self.transform(probabilities).max(axis=1), dtype=np.float64)
