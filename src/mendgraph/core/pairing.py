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


def compared(question: str, texts: Sequence[str]) -> list[int]:
    """Places of the documents to compare, in order."""
    if len(texts) <= MOST_COMPARED:
        return list(range(len(texts)))
    near = sorted(range(len(texts)), key=lambda at: (-closeness(question, texts[at]), at))
    return sorted(near[:MOST_COMPARED])


def pairs_among(places: Sequence[int]) -> list[tuple[int, int]]:
    return list(combinations(places, 2))


def combined(chances: FloatArray) -> tuple[FloatArray, int]:
    """(levels,) probabilities of the set, and the row of the pair they come from.

    A set contradicts itself as its most contradictory pair does.

    Args:
        chances: (pairs, levels), "none" first; at least one pair.
    """
    worst = int(np.argmin(chances[:, 0]))
    return chances[worst], worst
