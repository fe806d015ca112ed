"""From one number to ordered levels: the proportional-odds model (McCullagh 1980), one slope and rising cuts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, IntArray, class_indices, sigmoid
from mendgraph.errors import ArtifactError, DataError

STEPS = 4000
RATE = 0.05
GRID = np.linspace(-30.0, 30.0, 60001)
"""Logits among which the borders between levels are looked for; steps of .001."""


@dataclass(frozen=True, slots=True)
class OrdinalModel:
    """``P(level > k | z) = sigmoid(slope * z - cuts[k])`` for a logit z.

    Attributes:
        slope: positive, so that a higher logit never means a lower level.
        cuts: one less than there are levels, rising.
    """

    slope: float
    cuts: tuple[float, ...]

    def __post_init__(self) -> None:
        finite = all(np.isfinite(value) for value in (self.slope, *self.cuts))
        if not finite or self.slope <= 0 or not self.cuts or list(self.cuts) != sorted(self.cuts):
            raise ArtifactError(
                f"ordinal model needs a positive slope and rising cuts, got {self.slope} and {self.cuts}",
                hint="train it again",
            )

    @classmethod
    def fit(cls, logits: ArrayLike, levels: ArrayLike, count: int) -> OrdinalModel:
        """Maximum likelihood, each level weighing the same whatever its share of the rows.

        Args:
            logits: (N,) numbers.
            levels: (N,) integers in [0, count); each must occur.
        """
        z = np.asarray(logits, dtype=np.float64)
        found = class_indices(levels, len(z), count)
        rows = np.bincount(found, minlength=count)
        if (rows == 0).any():
            raise DataError(f"no row of level {int(np.argmin(rows))} to fit on", hint="hold out more rows")
        weight = (1.0 / rows)[found] / count
        spread = max(float(z.std()), 1e-6)
        # slope, first cut and gaps between cuts; slope and gaps as logarithms, so that they stay positive
        theta = np.concatenate([[-np.log(spread)], [float(z.mean()) / spread], np.zeros(count - 2)])
        first, second = np.zeros_like(theta), np.zeros_like(theta)
        for step in range(1, STEPS + 1):
            gradient = _gradient(theta, z, found, weight)
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            scaled = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-9)
            theta = theta - RATE * (1 - step / (STEPS + 1)) * scaled
        slope, cuts = _unpacked(np.clip(theta, -20, 20))
        return cls(slope, tuple(cuts.tolist()))

    def probabilities(self, logits: ArrayLike) -> FloatArray:
        """(N,) -> (N, levels), rows summing to 1."""
        z = np.asarray(logits, dtype=np.float64)
        above = sigmoid(self.slope * z[:, None] - np.array(self.cuts))  # (N, K-1), falling along the row
        edges = np.concatenate([np.ones((len(z), 1)), above, np.zeros((len(z), 1))], axis=1)
        return np.asarray(edges[:, :-1] - edges[:, 1:], dtype=np.float64)

    def borders(self) -> tuple[float, ...]:
        """Scores in [0, 1], the sigmoids of logits, from which on each level above the lowest is the likeliest.

        A level that never is the likeliest has the border of the one above it.
        """
        likeliest = self.probabilities(GRID).argmax(axis=1)
        levels = range(1, len(self.cuts) + 1)
        starts = [int(np.searchsorted(likeliest, level)) for level in levels]
        return tuple(float(sigmoid(GRID[[min(at, len(GRID) - 1)]])[0]) for at in starts)

    def to_dict(self) -> dict[str, Any]:
        return {"slope": self.slope, "cuts": list(self.cuts)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> OrdinalModel:
        try:
            return cls(float(data["slope"]), tuple(float(cut) for cut in data["cuts"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"ordinal model needs slope and cuts, got {dict(data)!r}", hint="train it again"
            ) from error


def _unpacked(theta: FloatArray) -> tuple[float, FloatArray]:
    cuts = theta[1] + np.concatenate([[0.0], np.cumsum(np.exp(theta[2:]))])
    return float(np.exp(theta[0])), np.asarray(cuts, dtype=np.float64)


def _gradient(theta: FloatArray, z: FloatArray, levels: IntArray, weight: FloatArray) -> FloatArray:
    """Of the weighted negative log likelihood."""
    slope, cuts = _unpacked(theta)
    count = len(cuts) + 1
    above = sigmoid(slope * z[:, None] - cuts)
    edges = np.concatenate([np.ones((len(z), 1)), above, np.zeros((len(z), 1))], axis=1)
    steep = edges * (1 - edges)  # derivative of each edge by its own logit; 0 at both ends
    at = np.arange(len(z))
    likely = np.maximum(edges[at, levels] - edges[at, levels + 1], 1e-12)
    lower, upper = steep[at, levels] * weight / likely, steep[at, levels + 1] * weight / likely
    by_slope = -((lower - upper) * z).sum() * slope
    by_cut = np.zeros(count + 1)  # one per edge; ends stay unused
    np.add.at(by_cut, levels, lower)
    np.add.at(by_cut, levels + 1, -upper)
    inner = by_cut[1:count]
    tails = np.cumsum(inner[::-1])[::-1]  # the first cut moves all, a gap moves those after it
    gaps = tails[1:] * np.exp(theta[2:])
    return np.concatenate([[by_slope], tails[:1], gaps])
