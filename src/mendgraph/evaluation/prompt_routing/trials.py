"""Routers trained again and again on drawn rows, and what they predict for rows that none of them has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.outcomes import Outcomes

Fit = Callable[[Outcomes, Sequence[str], int], FloatArray]
"""Training rows, N prompts and a seed to expected scores (N, M)."""

Step = Callable[[int, int], None]
"""Told how many of how many fits are done."""


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """D draws of training rows, each router's predictions on the same N test rows.

    Attributes:
        test: the rows predicted.
        predicted: router -> (D, N, M).
        folds: (D, N) which router of the draw a row was predicted by; all 0 where one predicted all.
    """

    test: Outcomes
    predicted: Mapping[str, FloatArray]
    folds: IntArray

    @property
    def draws(self) -> int:
        return len(self.folds)


@dataclass(frozen=True, slots=True)
class _Part:
    train: Outcomes
    rows: IntArray


def known(
    train: Outcomes,
    test: Outcomes,
    fits: Mapping[str, Fit],
    *,
    labels: int | None = None,
    draws: int = 1,
    seed: int = 0,
    step: Step = lambda done, of: None,
) -> Trials:
    """Each draw trains on `labels` rows of `train` (all of them when None) and predicts all of `test`."""
    everything = np.arange(len(test))
    parts = [[_Part(_drawn(train, labels, seed + draw), everything)] for draw in range(draws)]
    return _run(test, parts, fits, seed, step)


def unseen(
    train: Outcomes,
    test: Outcomes,
    fits: Mapping[str, Fit],
    *,
    labels: int | None = None,
    draws: int = 1,
    folds: int = 6,
    seed: int = 0,
    step: Step = lambda done, of: None,
) -> Trials:
    """Test rows of each group are predicted by a router that has seen no row of the group, of either table.

    Each draw deals the groups into `folds` anew.
    """
    parts = []
    for draw in range(draws):
        dealt = deal(test.groups, folds, seed + draw)
        taught = np.array(train.groups)
        parts.append(
            [
                _Part(
                    _drawn(train.take(~np.isin(taught, sorted(names))), labels, seed + draw),
                    np.flatnonzero(np.isin(np.array(test.groups), sorted(names))),
                )
                for names in dealt
            ]
        )
    return _run(test, parts, fits, seed, step)


def crossvalidated(
    table: Outcomes,
    clusters: Sequence[str],
    fits: Mapping[str, Fit],
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    step: Step = lambda done, of: None,
) -> Trials:
    """Every row predicted once per repeat by a router trained outside the row's fold.

    Args:
        clusters: N names; rows of one name (one prompt and its near duplicates, or one task) share a fold.
    """
    parts = []
    for repeat in range(repeats):
        names = np.array(clusters)
        inside = [np.isin(names, sorted(fold)) for fold in deal(clusters, folds, seed + repeat)]
        parts.append([_Part(table.take(~mask), np.flatnonzero(mask)) for mask in inside])
    return _run(table, parts, fits, seed, step)


def deal(names: Sequence[str], folds: int, seed: int) -> list[set[str]]:
    """Distinct names in random order, each to the fold that has the fewest rows so far."""
    distinct, counts = np.unique(np.asarray(names), return_counts=True)
    if not 2 <= folds <= len(distinct):
        raise DataError(
            f"{folds} folds of {len(distinct)} groups", hint="use between 2 folds and one per group"
        )
    dealt: list[set[str]] = [set() for _ in range(folds)]
    sizes = np.zeros(folds, dtype=np.int64)
    for at in np.random.default_rng(seed).permutation(len(distinct)):
        smallest = int(sizes.argmin())
        dealt[smallest].add(str(distinct[at]))
        sizes[smallest] += counts[at]
    return dealt


def _drawn(table: Outcomes, labels: int | None, seed: int) -> Outcomes:
    if labels is None:
        return table
    if labels > len(table):
        raise DataError(f"cannot draw {labels} rows of {len(table)}", hint="ask for fewer labels")
    return table.take(np.sort(np.random.default_rng(seed).choice(len(table), labels, replace=False)))


def _run(
    test: Outcomes, draws: Sequence[Sequence[_Part]], fits: Mapping[str, Fit], seed: int, step: Step
) -> Trials:
    shape = (len(draws), len(test), len(test.models))
    predicted = {name: np.full(shape, np.nan) for name in fits}
    folds = np.zeros(shape[:2], dtype=np.int64)
    total = sum(len(parts) for parts in draws) * len(fits)
    done = 0
    for draw, number, part in _parts(draws):
        folds[draw, part.rows] = number
        prompts = [test.prompts[row] for row in part.rows]
        for name, fit in fits.items():
            predicted[name][draw, part.rows] = fit(part.train, prompts, seed + draw)
            done += 1
            step(done, total)
    return Trials(test, predicted, folds)


def _parts(draws: Sequence[Sequence[_Part]]) -> Iterator[tuple[int, int, _Part]]:
    for draw, parts in enumerate(draws):
        for number, part in enumerate(parts):
            yield draw, number, part
