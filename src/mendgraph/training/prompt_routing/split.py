"""Splits of prompts by family or by group, from a seed alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.errors import DataError

__all__ = ["folds", "holdout"]


def folds(keys: Sequence[Hashable], count: int, seed: int) -> list[IntArray]:
    """Positions of each fold, ascending; rows with one key (family of prompts, subject, task) stay together.

    Keys come in random order and go to the fold with the fewest rows, the largest first where keys differ in size.

    Raises:
        DataError: more folds than keys, or fewer than 2.
    """
    members: dict[Hashable, list[int]] = {}
    for at, key in enumerate(keys):
        members.setdefault(key, []).append(at)
    if not 2 <= count <= len(members):
        raise DataError(
            f"{count} folds of {len(members)} groups", hint="use between 2 folds and one per group"
        )
    noise = np.random.default_rng(seed).random(len(members))
    order = sorted(zip(members.values(), noise, strict=True), key=lambda item: (-len(item[0]), item[1]))
    found: list[list[int]] = [[] for _ in range(count)]
    for rows, _ in order:
        min(found, key=len).extend(rows)
    return [np.array(sorted(fold), dtype=np.int64) for fold in found]


def holdout(keys: Sequence[Hashable], share: float, seed: int) -> tuple[IntArray, IntArray]:
    """(rest, held out): positions, about `share` of the rows held out, whole keys only.

    Args:
        share: in (0, 1).
    """
    if not 0 < share < 1:
        raise DataError(f"share must lie in (0, 1), got {share!r}")
    members: dict[Hashable, list[int]] = {}
    for at, key in enumerate(keys):
        members.setdefault(key, []).append(at)
    names = list(members)
    wanted = share * len(keys)
    held: list[int] = []
    for number in np.random.default_rng(seed).permutation(len(names)).tolist():
        rows = members[names[number]]
        # a key goes over the mark only if that comes nearer to it than stopping
        if len(held) + len(rows) / 2 <= wanted and len(held) + len(rows) < len(keys):
            held += rows
    if not held:
        raise DataError(f"nothing to hold out: {share:g} of {len(keys)} rows in {len(members)} groups")
    mask = np.zeros(len(keys), dtype=bool)
    mask[held] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)
