"""Batches of passages in which every kind of passage has the same share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mendgraph.core.arrays import IntArray


def balanced(kinds: Sequence[str], size: int, generator: np.random.Generator) -> Iterator[IntArray]:
    """One epoch: batches of passage numbers, as many in all as there are passages.

    Kinds take turns; a kind with few passages is read several times before the epoch ends, each time in a new order.
    """
    names = sorted(set(kinds))
    members = {name: np.flatnonzero([kind == name for kind in kinds]) for name in names}
    decks: dict[str, list[int]] = {name: [] for name in names}
    order = []
    for number in range(len(kinds)):
        name = names[number % len(names)]
        if not decks[name]:
            decks[name] = list(generator.permutation(members[name]))
        order.append(decks[name].pop())
    for start in range(0, len(order), size):
        yield np.array(order[start : start + size], np.int64)


def token_numbers(starts: IntArray, lengths: IntArray, rows: IntArray) -> IntArray:
    """Numbers of the tokens of some passages, passage after passage."""
    return np.concatenate([np.arange(starts[row], starts[row] + lengths[row]) for row in rows])
