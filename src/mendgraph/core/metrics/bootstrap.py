"""Percentile bootstrap (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.errors import DataError


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays: ArrayLike,
    seed: int,
    resamples: int = 1000,
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> tuple[float, float]:
    """Interval that holds `level` of the statistic over rows drawn with replacement.

    All arrays are resampled by the same rows, so `statistic(*arrays)` may be a paired difference.  Resamples
    on which the statistic is undefined (NaN) are left out; (NaN, NaN) when none remains.

    Args:
        arrays: first axis N each.
        groups: (N,) names of what was drawn independently (prompt, document).  Whole groups are then drawn:
            the rows of one group are not independent and would make the interval too narrow.
    """
    columns = [np.asarray(array) for array in arrays]
    sizes = {len(column) for column in columns}
    if len(sizes) != 1 or 0 in sizes:
        raise DataError(f"bootstrap needs arrays of one length >= 1, got lengths {sorted(sizes)}")
    if not 0 < level < 1 or resamples < 1:
        raise DataError(f"level must lie in (0, 1) and resamples be >= 1, got {level!r} and {resamples!r}")
    count = sizes.pop()
    names = np.arange(count) if groups is None else np.asarray(groups)
    if names.shape != (count,):
        raise DataError(f"groups must have shape ({count},), one per row, got {names.shape}")
    _, where = np.unique(names, return_inverse=True)
    members = np.split(np.argsort(where, kind="stable"), np.bincount(where).cumsum()[:-1])
    generator = np.random.default_rng(seed)
    values = np.empty(resamples)
    for index in range(resamples):
        drawn = generator.integers(len(members), size=len(members))
        rows = drawn if groups is None else np.concatenate([members[group] for group in drawn])
        values[index] = statistic(*(column[rows] for column in columns))
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
