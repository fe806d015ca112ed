"""Questions that state what is to be checked, as people ask whether a claim holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from mendgraph.training.conflict.pairs import LabelledPair
from mendgraph.training.conflict.perturbation.sentences import sentences_of

__all__ = ["with_statements"]

SHARE: Final = 0.35


def with_statements(pairs: Iterable[LabelledPair], seed: int = 0) -> Iterator[LabelledPair]:
    """In `SHARE` of the pairs the first sentence of the shorter text in place of the question.

    Then what the texts contradict each other about may stand in the question too, which must not hide it.
    """
    random = Random(f"{seed}/stated")
    for pair in pairs:
        if random.random() < SHARE:
            pair = replace(pair, question=sentences_of(min(pair.first, pair.second, key=len))[0])
        yield pair
