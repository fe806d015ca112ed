"""Where in the second text of a pair something stands: from characters to tokens and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.adapters.tokens import Offsets
from mendgraph.core.arrays import FloatArray

__all__ = ["Mark", "best_mark", "marked"]

_LONGEST = 24
"""Tokens of a value at most."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text, in characters, and its probability in [0, 1] among all of them."""

    start: int
    end: int
    probability: float


def marked(offsets: Offsets, types: Sequence[int], span: tuple[int, int] | None) -> tuple[int, int]:
    """Places of the first and of the last token of a span of the second text; (-1, -1) without one, or where it was
    cut off."""
    if span is None:
        return -1, -1
    inner = [
        place
        for place, ((first, last), text) in enumerate(zip(offsets, types, strict=True))
        if text == 1 and first < last and first < span[1] and last > span[0]
    ]
    if not inner or offsets[inner[-1]][1] < span[1]:
        return -1, -1
    return inner[0], inner[-1]


def best_mark(chances: FloatArray, offsets: Offsets, types: Sequence[int], text: str) -> Mark | None:
    """The likeliest stretch of whole words; None where the text has no word.

    Args:
        chances: (T, 2) log-probabilities of the first and of the last token.
        text: the second of the pair.
    """
    inner = [
        place
        for place, (one, kind) in enumerate(zip(offsets, types, strict=True))
        if kind == 1 and one[0] < one[1]
    ]
    begins = [place for place in inner if not _joined(text, offsets[place][0])]
    ends = [place for place in inner if not _joined(text, offsets[place][1])]
    if not begins or not ends:
        return None
    firsts, lasts = np.array(begins), np.array(ends)
    length = lasts[None, :] - firsts[:, None]
    scores = np.where(
        (length >= 0) & (length < _LONGEST), chances[firsts, 0][:, None] + chances[lasts, 1][None, :], -np.inf
    )
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    if not np.isfinite(scores[row, column]):
        return None
    start, end = offsets[begins[int(row)]][0], offsets[ends[int(column)]][1]
    return Mark(start, end, float(min(np.exp(scores[row, column]), 1.0)))


def _joined(text: str, place: int) -> bool:
    """Whether a word goes on across this place."""
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()
