"""Measures of routing between models: how much quality for how many calls of the stronger, or for how much money.

Two models: RouteLLM (Ong et al., ICLR 2025, section 3).  Rows with equal router scores cannot be told apart by a
threshold; they enter in random order, and every figure is the expectation over it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, IntArray, same_length
from mendgraph.errors import DataError

__all__ = [
    "apgr",
    "cpt",
    "frontier",
    "oracle_gap_share",
    "pairwise_accuracy",
    "regret",
    "strong_share_curve",
    "trade_off",
]


def strong_share_curve(
    scores: ArrayLike, weak: ArrayLike, strong: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """(share of strong calls, mean quality), each (K + 1,), from none to all; linear in between.

    Args:
        scores: (N,) the router's wish for the strong model; larger goes to it first.
        weak, strong: (N,) quality of either model's answer.
    """
    wish, low, high = _rows(scores, weak, strong)
    _, where, counts = np.unique(-wish, return_inverse=True, return_counts=True)
    gained = np.bincount(where, weights=high - low)
    share = np.concatenate([[0.0], counts.cumsum() / len(wish)])
    return share, np.concatenate([[0.0], gained.cumsum()]) / len(wish) + low.mean()


def apgr(scores: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> float:
    """Average performance gap recovered: area under (quality - weak) / (strong - weak) over the share of strong calls.

    0.5 is random routing in expectation, the oracle's may exceed 1; NaN where both models are equally good.
    """
    share, recovered = _recovered(scores, weak, strong)
    return float(np.trapezoid(recovered, share))


def cpt(scores: ArrayLike, weak: ArrayLike, strong: ArrayLike, recovered: float) -> float:
    """Call-performance threshold: the least share of strong calls that recovers this part of the gap.

    Args:
        recovered: in (0, 1]; 0.5 for CPT(50 %).
    """
    if not 0 < recovered <= 1:
        raise DataError(f"recovered must lie in (0, 1], got {recovered!r}")
    share, gap = _recovered(scores, weak, strong)
    if np.isnan(gap).any():
        return float("nan")
    reached = int(np.flatnonzero(gap >= recovered - 1e-12)[0])
    if gap[reached] <= gap[reached - 1]:
        return float(share[reached])
    step = (recovered - gap[reached - 1]) / (gap[reached] - gap[reached - 1])
    return float(share[reached - 1] + min(step, 1.0) * (share[reached] - share[reached - 1]))


def regret(chosen: ArrayLike, scores: ArrayLike) -> float:
    """Mean of the best model's quality less the chosen one's, in [0, 1].

    Args:
        chosen: (N,) model numbers.
        scores: (N, M) quality of every model; NaN cells are not known and cannot be best.
    """
    numbers, table = _choices(chosen, scores)
    return float((np.nanmax(table, axis=1) - table[np.arange(len(table)), numbers]).mean())


def oracle_gap_share(chosen: ArrayLike, scores: ArrayLike, single: int) -> float:
    """(routed - single) / (oracle - single) in mean quality: at most 1, negative below `single`; NaN without a gap.

    Args:
        single: number of the model that always answers otherwise; choose it on training rows.
    """
    numbers, table = _choices(chosen, scores)
    base = table[:, single].mean()
    gap = np.nanmax(table, axis=1).mean() - base
    routed = table[np.arange(len(table)), numbers].mean()
    return float((routed - base) / gap) if gap > 0 else float("nan")


def pairwise_accuracy(
    values: ArrayLike, rows: ArrayLike, first: ArrayLike, second: ArrayLike, outcome: ArrayLike
) -> float:
    """Share of comparisons whose better model has the higher value; equal values count half, ties are left out.

    Args:
        values: (N, M) of N prompts and M models.
        rows, first, second: (K,) numbers of the prompt and of both models.
        outcome: (K,) above 0.5 where the first is better.
    """
    table = np.asarray(values, dtype=np.float64)
    side = np.sign(np.asarray(outcome, dtype=np.float64) - 0.5)
    at = np.asarray(rows)
    ahead = np.sign(table[at, np.asarray(first)] - table[at, np.asarray(second)])
    decided = side != 0
    return float((0.5 + 0.5 * (ahead * side)[decided]).mean()) if decided.any() else float("nan")


def trade_off(expected: ArrayLike, costs: ArrayLike, price: float) -> IntArray:
    """(N,) numbers of the models with the greatest ``expected - price * cost``; the cheaper of equals.

    Args:
        expected: (N, M) quality; -inf for what may not be chosen.
        costs: (N, M) or (M,).
        price: quality worth one unit of cost.
    """
    worth = np.asarray(expected, dtype=np.float64)
    spent = np.broadcast_to(np.asarray(costs, dtype=np.float64), worth.shape)
    value = worth - price * spent
    best = value.max(axis=1, keepdims=True)
    return np.asarray(np.where(value >= best, spent, np.inf).argmin(axis=1), dtype=np.int64)


def frontier(
    expected: ArrayLike, costs: ArrayLike, scores: ArrayLike, prices: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """(mean cost, mean quality), each (P,): what `trade_off` costs and yields at every price.

    Args:
        expected: (N, M) quality as the router sees it.
        costs: (N, M) or (M,).
        scores: (N, M) true quality.
    """
    truth = np.asarray(scores, dtype=np.float64)
    spent = np.broadcast_to(np.asarray(costs, dtype=np.float64), truth.shape)
    rows = np.arange(len(truth))
    points = []
    for price in np.asarray(prices, dtype=np.float64).tolist():
        chosen = trade_off(expected, costs, price)
        points.append((spent[rows, chosen].mean(), truth[rows, chosen].mean()))
    found = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _rows(scores: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    wish = np.asarray(scores, dtype=np.float64)
    if wish.ndim != 1 or not wish.size or not np.isfinite(wish).all():
        raise DataError(f"router scores must be finite, one per row, at least one; got shape {wish.shape}")
    low = same_length("weak", weak, len(wish)).astype(np.float64)
    return wish, low, same_length("strong", strong, len(wish)).astype(np.float64)


def _recovered(scores: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Share of strong calls, and part of the gap recovered; NaN where there is no gap."""
    share, quality = strong_share_curve(scores, weak, strong)
    gap = quality[-1] - quality[0]
    return share, np.asarray((quality - quality[0]) / gap if gap > 0 else np.full_like(quality, np.nan))


def _choices(chosen: ArrayLike, scores: ArrayLike) -> tuple[IntArray, FloatArray]:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or not len(table):
        raise DataError(
            f"scores must have shape (prompts, models) with at least one prompt, got {table.shape}"
        )
    numbers = same_length("chosen", chosen, len(table)).astype(np.int64)
    if np.isnan(table[np.arange(len(table)), numbers]).any():
        raise DataError("a chosen model has no known score", hint="choose among the models that were tried")
    return numbers, table
