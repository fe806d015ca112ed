"""Two systems on the same rows: who is right where the other is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import same_length
from mendgraph.errors import DataError

__all__ = ["Discordant", "mcnemar"]


@dataclass(frozen=True, slots=True)
class Discordant:
    """
    Attributes:
        gained: rows on which the first alone is right.
        lost: rows on which the second alone is right.
        p: two-sided, of a split as uneven or more if both were equally good.
    """

    gained: int
    lost: int
    p: float


def mcnemar(first: ArrayLike, second: ArrayLike) -> Discordant:
    """Exact McNemar test: the rows on which two systems differ against a fair coin (McNemar 1947).

    Args:
        first, second: (N,) whether each system is right, on the same rows.
    """
    one = np.asarray(first, dtype=bool)
    if one.ndim != 1:
        raise DataError(f"McNemar's test needs one value per row, got shape {one.shape}")
    other = same_length("second", second, len(one)).astype(bool)
    gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
    count = gained + lost
    tail = sum(comb(count, k) for k in range(min(gained, lost) + 1))
    return Discordant(gained, lost, min(1.0, 2 * tail / 2**count))
