"""Cost against quality: a router swept over prices of quality, beside mixtures of single models.

The baseline is what needs no router: two single models, each called for a random share of the prompts, reach every
point on the line between them (the convex hull of Hu et al., RouterBench, 2024, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.metrics.routing import trade_off
from mendgraph.evaluation.prompt_routing.resampling import Estimate, estimate, resampled
from mendgraph.evaluation.report import Table, number

STEPS = 25
"""Prices of quality on the frontier."""


@dataclass(frozen=True, slots=True)
class Point:
    """A router at one price.

    Attributes:
        price: quality that one dollar must buy: the router maximises quality - price * cost.
        cost: mean dollars per prompt.
        over_mixtures: `score` minus that of the best mixture of single models at the same cost.
    """

    price: float
    cost: float
    score: Estimate
    over_mixtures: Estimate


@dataclass(frozen=True, slots=True)
class Frontier:
    """
    Attributes:
        singles: model -> (mean cost, mean score).
        hull: corners of the best mixtures of single models, (cost, score), cheapest first.
        routers: router -> points, dearest first.
        oracle: (cost, score) when the true scores are known, dearest first.
    """

    singles: Mapping[str, tuple[float, float]]
    hull: tuple[tuple[float, float], ...]
    routers: Mapping[str, tuple[Point, ...]]
    oracle: tuple[tuple[float, float], ...]


def frontier(
    expected: Mapping[str, FloatArray],
    scores: FloatArray,
    costs: FloatArray,
    models: Sequence[str],
    *,
    resamples: int,
    seed: int = 0,
) -> Frontier:
    """
    Args:
        expected: router -> (N, M) expected scores, on the scale of `scores`.
        scores: (N, M) true ones.
        costs: (N, M) dollars.
    """
    weights = resampled([str(row) for row in range(len(scores))], resamples, seed)
    weights = weights / weights.sum(axis=1, keepdims=True)
    single_costs, single_scores = weights @ costs, weights @ scores  # (1 + B, M)
    prices = price_grid(costs)
    truth = [trade_off(scores, costs, price) for price in prices]
    return Frontier(
        singles={
            name: (float(single_costs[0, at]), float(single_scores[0, at])) for at, name in enumerate(models)
        },
        hull=tuple(zip(*(part.tolist() for part in hull(single_costs[0], single_scores[0])), strict=True)),
        routers={
            name: tuple(
                _point(price, quality, scores, costs, weights, (single_costs, single_scores), seed)
                for price in prices
            )
            for name, quality in expected.items()
        },
        oracle=tuple((float(_at(costs, found).mean()), float(_at(scores, found).mean())) for found in truth),
    )


def price_grid(costs: FloatArray) -> FloatArray:
    """0, then prices at which the dearest model is worth between 1/200 and 1 in score over the cheapest."""
    spread = float(np.median(costs.max(axis=1) - costs.min(axis=1)))
    if spread <= 0:
        return np.zeros(1)
    return np.concatenate([[0.0], np.geomspace(0.005, 1.0, STEPS - 1) / spread])


def hull(costs: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corners of the upper concave hull of points (M,), from the cheapest point up to the best."""
    order = np.lexsort((-scores, costs))
    kept: list[int] = []
    for at in order:
        if kept and scores[at] <= scores[kept[-1]]:
            continue
        while len(kept) > 1 and _below(kept[-2], kept[-1], int(at), costs, scores):
            kept.pop()
        if kept and costs[at] == costs[kept[-1]]:
            kept.pop()
        kept.append(int(at))
    return costs[kept], scores[kept]


def _below(one: int, middle: int, other: int, costs: FloatArray, scores: FloatArray) -> bool:
    """The middle point lies on or under the line between the two others."""
    run, rise = costs[other] - costs[one], scores[other] - scores[one]
    return bool((scores[middle] - scores[one]) * run <= rise * (costs[middle] - costs[one]))


def _at(table: FloatArray, found: IntArray) -> FloatArray:
    return np.asarray(table[np.arange(len(found)), found], dtype=np.float64)


def _point(
    price: float,
    quality: FloatArray,
    scores: FloatArray,
    costs: FloatArray,
    weights: FloatArray,
    singles: tuple[FloatArray, FloatArray],
    seed: int,
) -> Point:
    found = trade_off(quality, costs, price)
    cost, score = weights @ _at(costs, found), weights @ _at(scores, found)
    line = np.array(
        [
            np.interp(spent, *hull(row_costs, row_scores))
            for spent, row_costs, row_scores in zip(cost, *singles, strict=True)
        ]
    )
    return Point(
        float(price), float(cost[0]), estimate(score[None], seed), estimate((score - line)[None], seed)
    )


def frontier_table(title: str, found: Frontier, name: str, every: int, note: str) -> Table:
    """Every `every`-th point of one router."""
    points = found.routers[name][::every]
    rows = [
        (f"{point.price:.3g}", f"{1e6 * point.cost:.0f}", point.score.text(), point.over_mixtures.text(),
         "yes" if point.over_mixtures.interval[0] > 0 else "no")
        for point in points
    ]  # fmt: skip
    singles = sorted(found.singles.items(), key=lambda item: item[1])
    lines = [(model, f"{1e6 * cost:.0f}", number(score), "-", "-") for model, (cost, score) in singles]
    header = ("quality per dollar", "dollars per million prompts", "score", "over mixtures", "above 0")
    return Table(title, header, (*rows, *lines), note)
