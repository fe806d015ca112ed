"""A small multinomial logistic model over named features, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray, softmax
from mendgraph.core.conditional_logit import fit_conditional_logit
from mendgraph.errors import ArtifactError

LIMIT = 6.0
"""Standardised features are held within this many deviations: no single cue may outweigh all others."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """``softmax(weights @ standardised(features) + bias)``.

    Attributes:
        names: (F,) of the features.
        mean, scale: (F,) of the training rows.
        weights: (C, F).
        bias: (C,)
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def __post_init__(self) -> None:
        count = len(self.names)
        shapes = {len(self.mean), len(self.scale), *(len(row) for row in self.weights)}
        numbers = [*self.mean, *self.scale, *self.bias, *(value for row in self.weights for value in row)]
        if shapes != {count} or len(self.weights) != len(self.bias) or not np.isfinite(numbers).all():
            raise ArtifactError(
                f"linear model of {count} features has parts of other sizes, or numbers that are not finite",
                hint="train it again",
            )
        if min(self.scale) <= 0:
            raise ArtifactError("linear model: a scale is not positive", hint="train it again")

    @classmethod
    def fit(
        cls, features: FloatArray, labels: IntArray, names: Sequence[str], classes: int, *, l2: float = 1.0
    ) -> LinearModel:
        """Penalised maximum likelihood, every class weighing the same.

        Args:
            features: (N, F).
            labels: (N,) in [0, classes).
        """
        mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        rows = np.concatenate([_standard(features, mean, scale), np.ones((len(features), 1))], axis=1)
        share = np.bincount(labels, minlength=classes)
        _, found = fit_conditional_logit(
            np.zeros((len(rows), classes, 0)),
            np.eye(classes)[labels],
            prior=np.zeros(0),
            l2=l2,
            rows=rows,
            importance=(len(rows) / classes / np.maximum(share, 1))[labels],
        )
        return cls(
            tuple(names),
            tuple(mean.tolist()),
            tuple(scale.tolist()),
            tuple(tuple(row) for row in found[:, :-1].tolist()),
            tuple(found[:, -1].tolist()),
        )

    def probabilities(self, features: FloatArray) -> FloatArray:
        """(N, F) -> (N, C), rows summing to 1."""
        rows = _standard(features, np.array(self.mean), np.array(self.scale))
        return softmax(np.asarray(rows @ np.array(self.weights).T + np.array(self.bias), dtype=np.float64))

    def to_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "mean": list(self.mean),
            "scale": list(self.scale),
            "weights": [list(row) for row in self.weights],
            "bias": list(self.bias),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LinearModel:
        try:
            return cls(
                tuple(data["names"]),
                tuple(map(float, data["mean"])),
                tuple(map(float, data["scale"])),
                tuple(tuple(map(float, row)) for row in data["weights"]),
                tuple(map(float, data["bias"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(f"linear model: {error}", hint="train it again") from error


def _standard(features: FloatArray, mean: FloatArray, scale: FloatArray) -> FloatArray:
    return np.asarray(np.clip((features - mean) / scale, -LIMIT, LIMIT), dtype=np.float64)
