"""From what is said of pairs of documents to what is said of the whole set."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.core.evidence import closeness

__all__ = ["MOST_COMPARED", "combined", "compared", "pairs_among"]

MOST_COMPARED: Final = 12
"""Documents of one set that are compared with each other, 66 pairs; of more, those closest to the question."""

SURE: Final = 1e-9
"""Probabilities nearer to 0 are taken for this."""


def compared(question: str, texts: Sequence[str]) -> list[int]:
    """Places of the documents to compare, in order."""
    if len(texts) <= MOST_COMPARED:
        return list(range(len(texts)))
    near = sorted(range(len(texts)), key=lambda at: (-closeness(question, texts[at]), at))
    return sorted(near[:MOST_COMPARED])


def pairs_among(places: Sequence[int]) -> list[tuple[int, int]]:
    return list(combinations(places, 2))


def combined(chances: FloatArray) -> tuple[FloatArray, int]:
    """(levels,) probabilities of the set, and the row of the pair that contradicts itself most.

    If a set contradicts itself, one of its pairs does, and which one is not known beforehand: by Bayes' rule the odds
    of a conflict are the mean of the pairs' odds, and each pair's levels count as much as its odds.

    Args:
        chances: (pairs, levels), "none" first; at least one pair.
    """
    worst = int(np.argmin(chances[:, 0]))
    without = np.clip(chances[:, 0], SURE, 1.0)
    odds = (1.0 - without) / without
    weight = odds / odds.sum() if odds.sum() > 0 else np.full(len(odds), 1.0 / len(odds))
    mean = float(odds.mean())
    conflict = mean / (1.0 + mean)
    split = chances[:, 1:] / np.maximum(chances[:, 1:].sum(axis=1, keepdims=True), SURE)
    levels = weight @ split
    return np.concatenate([[1.0 - conflict], conflict * levels / max(float(levels.sum()), SURE)]), worst
