"""Prompts drawn with replacement, as weights: one matrix serves every router, so that differences are paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.errors import DataError
from mendgraph.evaluation.report import between

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure with its percentile interval (Efron, 1979).

    Attributes:
        interval: holds 95 % of the measure over what was resampled.
        draws: the measure in each draw of training rows by itself.
    """

    value: float
    interval: tuple[float, float]
    draws: tuple[float, ...] = ()

    @property
    def excludes_zero(self) -> bool:
        """The whole interval lies on one side of 0."""
        low, high = self.interval
        return low > 0 or high < 0

    def text(self, digits: int = 3) -> str:
        return between(self.value, self.interval, digits)


def resampled(groups: Sequence[str], resamples: int, seed: int) -> FloatArray:
    """(1 + B, N) how often each row counts; row 0 is the data as they are.

    Whole groups are drawn: rows of one group (one prompt, one subject) are not independent.
    """
    if not groups or resamples < 1:
        raise DataError(f"resampling needs rows and resamples >= 1, got {len(groups)} and {resamples}")
    names, where = np.unique(np.asarray(groups), return_inverse=True)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    return np.concatenate([np.ones((1, len(names))), drawn.astype(np.float64)])[:, where]


def estimate(values: FloatArray, seed: int = 0) -> Estimate:
    """Over D draws of training rows and B resamples of test rows.

    Args:
        values: (D, 1 + B); column 0 is the measure on the test rows as they are.  Both the test rows and the
            draws vary in the interval: each resample of rows goes with its own resample of draws.
    """
    draws, columns = values.shape
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(draws, np.full(draws, 1 / draws), size=columns - 1).T / draws  # (D, B)
    spread = (values[:, 1:] * counts).sum(axis=0)
    spread = spread[np.isfinite(spread)]
    if not len(spread):
        return Estimate(float(values[:, 0].mean()), (float("nan"), float("nan")))
    low, high = np.quantile(spread, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(values[:, 0].mean()), (float(low), float(high)), tuple(values[:, 0].tolist()))
