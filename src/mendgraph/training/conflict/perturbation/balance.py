"""Leaves pairs out until the share of words that two texts have in common tells nothing of a conflict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from mendgraph.core.conflict import LEVELS
from mendgraph.training.conflict.pairs import LabelledPair
from mendgraph.training.conflict.perturbation.sentences import words_of

__all__ = ["balanced", "overlap"]

BINS: Final = 12


def overlap(pair: LabelledPair) -> tuple[float, float]:
    """Share of all words that both texts have, and share of the shorter text's words that the longer has."""
    first, second = (set(words_of(text.lower())) for text in (pair.first, pair.second))
    both = len(first & second)
    return both / max(len(first | second), 1), both / max(min(len(first), len(second)), 1)


def balanced(pairs: Iterable[LabelledPair]) -> list[LabelledPair]:
    """As many with as without a conflict in each cell of both shares, cut into `BINS`, order kept within a cell."""
    cells: defaultdict[tuple[int, int], tuple[list[LabelledPair], list[LabelledPair]]] = defaultdict(
        lambda: ([], [])
    )
    for pair in pairs:
        shared, held = overlap(pair)
        cells[int(shared * BINS), int(held * BINS)][pair.level != LEVELS[0]].append(pair)
    found: list[LabelledPair] = []
    for key in sorted(cells):
        without, clashing = cells[key]
        for two in zip(without, clashing, strict=False):
            found += two
    return found
