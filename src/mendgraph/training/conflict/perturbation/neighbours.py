"""Passages of other documents that speak of something similar."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import Final

from mendgraph.training.conflict.perturbation.passages import Passage
from mendgraph.training.conflict.perturbation.sentences import words_of

__all__ = ["Neighbours"]

FEWEST, MOST = 2, 80
"""Passages that have a word in common, for the word to say something of what they are about."""
TRIES: Final = 12


class Neighbours:
    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        having: defaultdict[str, list[int]] = defaultdict(list)
        for at, passage in enumerate(passages):
            for word in sorted(set(words_of(passage.text.lower()))):
                having[word].append(at)
        self._having = {word: rows for word, rows in having.items() if FEWEST <= len(rows) <= MOST}

    def near(self, passage: Passage, random: Random) -> Passage:
        """Of a few passages that share a seldom word with this one, the one that shares most words."""
        own = sorted({word for word in words_of(passage.text.lower()) if word in self._having})
        all_words = set(words_of(passage.text.lower()))
        found: list[tuple[float, int]] = []
        for _ in range(TRIES if own else 0):
            at = random.choice(self._having[random.choice(own)])
            other = self._passages[at]
            if other.document != passage.document and other.subject != passage.subject:
                words = set(words_of(other.text.lower()))
                found.append((len(words & all_words) / len(words | all_words), at))
        if found:
            return self._passages[max(found)[1]]
        while (other := random.choice(self._passages)).document == passage.document:
            pass
        return other
