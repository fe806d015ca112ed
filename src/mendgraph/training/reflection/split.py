"""Splits by family of prompts, spread evenly over topics, from a seed alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mendgraph.errors import DataError
from mendgraph.training.reflection.corpus import Group


def folds(groups: Sequence[Group], count: int, seed: int) -> list[list[int]]:
    """Positions of each fold's groups; every group lies in exactly one fold, families are never split.

    Families come in random order within their topic and go to the fold that has the fewest groups.
    """
    families: dict[int, list[int]] = {}
    for at, group in enumerate(groups):
        families.setdefault(group.family, []).append(at)
    if not 2 <= count <= len(families):
        raise DataError(
            f"{count} folds of {len(families)} families of prompts",
            hint="use between 2 folds and one per family",
        )
    noise = np.random.default_rng(seed)
    drawn = {family: noise.random() for family in families}
    order = sorted(families, key=lambda family: (groups[families[family][0]].topic, drawn[family]))
    found: list[list[int]] = [[] for _ in range(count)]
    for family in order:
        smallest = min(found, key=len)
        smallest += families[family]
        found.sort(key=len)
    return [sorted(fold) for fold in sorted(found)]


def holdout(groups: Sequence[Group], share: float, seed: int) -> tuple[list[Group], list[Group]]:
    """(rest, held out): about `share` of the groups held out, and no family of them in the rest."""
    families = len({group.family for group in groups})
    held = set(folds(groups, max(2, min(round(1 / share), families)), seed)[0])
    rest = [group for at, group in enumerate(groups) if at not in held]
    return rest, [groups[at] for at in sorted(held)]
