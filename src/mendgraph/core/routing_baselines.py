"""What a router has to beat: rankings that do not read the prompt, and simple readers of it.

All of them take a table of scores (N, M) in [0, 1] with NaN where a model was not tried, and answer with expected
scores for other prompts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, sigmoid
from mendgraph.core.lexical import counts
from mendgraph.errors import DataError

__all__ = [
    "NeighbourScores",
    "RidgeScores",
    "best_single",
    "bradley_terry",
    "gram_vectors",
    "least_squares",
    "oracle",
    "prompt_blind",
    "random_scores",
]


def random_scores(rows: int, models: int, seed: int) -> FloatArray:
    """(rows, models) uniform in [0, 1)."""
    return np.random.default_rng(seed).random((rows, models))


def oracle(scores: ArrayLike) -> FloatArray:
    """The table itself, with -inf for models that were not tried: they cannot be chosen."""
    table = np.asarray(scores, dtype=np.float64)
    return np.where(np.isnan(table), -np.inf, table)


def best_single(scores: ArrayLike) -> int:
    """Number of the model that always answers best, by `least_squares`; the first of equals."""
    return int(least_squares(scores).argmax())


def prompt_blind(strengths: FloatArray, rows: int) -> FloatArray:
    """(M,) -> (rows, M), every row the same."""
    return np.tile(strengths, (rows, 1))


def least_squares(scores: ArrayLike) -> FloatArray:
    """(M,) expected score of every model on an average prompt of the table.

    Fits ``score = prompt + model``, so that a model tried only on hard prompts is not taken for a weak one.  Models
    that share no prompt with the others, not even through third ones, are compared by their means.
    """
    table = np.asarray(scores, dtype=np.float64)
    known = ~np.isnan(table)
    if not known.any(axis=0).all():
        raise DataError(f"model number {int(np.flatnonzero(~known.any(axis=0))[0])} has no known score")
    if known.all():
        return np.asarray(table.mean(axis=0), dtype=np.float64)
    filled, here = np.where(known, table, 0.0), known.astype(np.float64)
    tried = np.maximum(here.sum(axis=1, keepdims=True), 1)
    # normal equations with the prompts' effects solved out; the pseudo-inverse leaves the free level at 0
    system = np.diag(here.sum(axis=0)) - here.T @ (here / tried)
    right = filled.sum(axis=0) - here.T @ (filled.sum(axis=1, keepdims=True) / tried)[:, 0]
    strengths = np.linalg.pinv(system, hermitian=True) @ right
    means = filled.sum(axis=0) / here.sum(axis=0)
    for block in _blocks(here.T @ here > 0):
        strengths[block] += means[block].mean() - strengths[block].mean()
    return np.asarray(strengths, dtype=np.float64)


def bradley_terry(
    first: ArrayLike,
    second: ArrayLike,
    outcome: ArrayLike,
    models: int,
    weight: ArrayLike | None = None,
    *,
    l2: float = 0.1,
) -> FloatArray:
    """(M,) log-strengths with P(first beats second) = sigmoid(difference); they sum to 0 (Bradley and Terry, 1952).

    Ties count half a win for either side.  Newton's method on the penalised likelihood, which `l2` keeps finite for a
    model that always wins.

    Args:
        first, second: (K,) model numbers.
        outcome: (K,) in [0, 1], 1 where the first wins.
        weight: (K,), 1 each unless given.
    """
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    won = np.asarray(outcome, dtype=np.float64)
    mass = np.ones(len(won)) if weight is None else np.asarray(weight, dtype=np.float64)
    strengths = np.zeros(models)
    for _ in range(50):
        expected = sigmoid(strengths[one] - strengths[other])
        push = mass * (won - expected)
        slope = np.bincount(one, push, models) - np.bincount(other, push, models) - l2 * strengths
        curve = np.zeros((models, models))
        stiff = mass * expected * (1 - expected)
        np.add.at(curve, (one, other), -stiff)
        np.add.at(curve, (other, one), -stiff)
        curve[np.diag_indices(models)] = -curve.sum(axis=1) + l2
        step = np.linalg.solve(curve, slope)
        strengths = strengths + np.clip(step, -2.0, 2.0)
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
    return np.asarray(strengths - strengths.mean(), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class NeighbourScores:
    """Mean scores of the nearest known prompts.

    Attributes:
        points: (N, D) unit vectors.
        scores: (N, M), NaN where not tried.
        prior: (M,) what a model scores on average; counts as one neighbour more.
        k: neighbours.
    """

    points: FloatArray
    scores: FloatArray
    prior: FloatArray
    k: int

    @classmethod
    def fit(cls, vectors: ArrayLike, scores: ArrayLike, k: int = 50) -> NeighbourScores:
        """
        Args:
            vectors: (N, D).
            scores: (N, M).
        """
        table = np.asarray(scores, dtype=np.float64)
        return cls(_units(vectors), table, least_squares(table), min(k, len(table)))

    def predict(self, vectors: ArrayLike) -> FloatArray:
        """(Q, D) -> (Q, M)"""
        found = []
        for part in np.array_split(_units(vectors), max(1, len(np.asarray(vectors)) // 512)):
            near = np.argpartition(-(part @ self.points.T), self.k - 1, axis=1)[:, : self.k]
            cells = self.scores[near]  # (q, k, M)
            known = ~np.isnan(cells)
            total = np.where(known, cells, 0.0).sum(axis=1) + self.prior
            found.append(total / (known.sum(axis=1) + 1))
        return np.concatenate(found)


@dataclass(frozen=True, slots=True, eq=False)
class RidgeScores:
    """Linear in the prompt's vector; least squares with an L2 penalty (Hoerl and Kennard, 1970).

    Attributes:
        mean: (D,) of the training vectors.
        weights: (D, M).
        strengths: (M,) expected scores at that mean.
    """

    mean: FloatArray
    weights: FloatArray
    strengths: FloatArray

    @classmethod
    def fit(cls, vectors: ArrayLike, scores: ArrayLike, l2: float) -> RidgeScores:
        """
        Args:
            vectors: (N, D), scaled so that their mean squared distance from the mean is about 1.
            scores: (N, M).
            l2: > 0; the penalty of one unit of weight, in squared errors.
        """
        points, table = np.asarray(vectors, dtype=np.float64), np.asarray(scores, dtype=np.float64)
        mean = points.mean(axis=0)
        points = points - mean
        weights = np.zeros((points.shape[1], table.shape[1]))
        strengths = np.zeros(table.shape[1])
        known = ~np.isnan(table)
        # models tried on the same prompts share one factorisation
        for pattern in np.unique(known, axis=1).T:
            columns = np.flatnonzero((known == pattern[:, None]).all(axis=0))
            rows, cells = points[pattern], table[np.ix_(pattern, columns)]
            if not len(rows):
                raise DataError(f"model number {columns[0]} has no known score")
            here, level = rows.mean(axis=0), cells.mean(axis=0)
            weights[:, columns] = _ridge(rows - here, cells - level, l2)
            strengths[columns] = level - here @ weights[:, columns]
        return cls(mean, weights, strengths)

    def predict(self, vectors: ArrayLike) -> FloatArray:
        """(Q, D) -> (Q, M)"""
        return (np.asarray(vectors, dtype=np.float64) - self.mean) @ self.weights + self.strengths


def gram_vectors(prompts: Sequence[str], width: int = 4096) -> FloatArray:
    """(N, width) unit vectors of word and character n-grams, hashed with signs (Weinberger et al., 2009).

    The n-grams are those of `lexical.counts`, weighed 1 + log(count); each of its two blocks has half of the length.
    """
    found = np.zeros((len(prompts), width))
    for row, prompt in enumerate(prompts):
        for block in counts(prompt):
            found[row] += _hashed(block, width)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.maximum(lengths, 1e-12), dtype=np.float64)


def _hashed(block: Counter[int], width: int) -> FloatArray:
    keys = np.fromiter(block.keys(), dtype=np.uint32, count=len(block))
    values = 1.0 + np.log(np.fromiter(block.values(), dtype=np.float64, count=len(block)))
    # the keys' own low bits are spent on the place; a second mix gives the sign
    signs = np.where((keys * np.uint32(2654435761)) >> np.uint32(31), 1.0, -1.0)
    vector = np.bincount(keys % np.uint32(width), values * signs, width)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float64)


def _ridge(points: FloatArray, errors: FloatArray, l2: float) -> FloatArray:
    """(D, C), by whichever of the two normal equations is smaller."""
    rows, width = points.shape
    if rows <= width:
        gram = points @ points.T
        gram[np.diag_indices(rows)] += l2
        return np.asarray(points.T @ np.linalg.solve(gram, errors), dtype=np.float64)
    gram = points.T @ points
    gram[np.diag_indices(width)] += l2
    return np.asarray(np.linalg.solve(gram, points.T @ errors), dtype=np.float64)


def _units(vectors: ArrayLike) -> FloatArray:
    points = np.asarray(vectors, dtype=np.float64)
    return np.asarray(points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12))


def _blocks(linked: np.ndarray) -> list[list[int]]:
    """Connected components of a symmetric boolean matrix."""
    left, found = set(range(len(linked))), []
    while left:
        block, border = set(), {min(left)}
        while border:
            block |= border
            border = {int(to) for at in border for to in np.flatnonzero(linked[at])} - block
        left -= block
        found.append(sorted(block))
    return found
