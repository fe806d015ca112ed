"""Many models: what the chosen one scores, beside the best single model and the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.errors import DataError
from mendgraph.evaluation.prompt_routing.resampling import Estimate, estimate, resampled
from mendgraph.evaluation.prompt_routing.strong_calls import share
from mendgraph.evaluation.prompt_routing.trials import Trials
from mendgraph.evaluation.report import Table, between, percent

BEST_SINGLE = "best single"
"""Name of the router that always calls the model with the highest mean on its training rows."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One router on the test rows.

    Attributes:
        score: mean score of the chosen models.
        over_best: `score` minus that of the best single model, chosen on the same training rows; paired.
        gap_share: `over_best` as a share of what the oracle is above the best single model.
        regret: mean score lost against the oracle.
        picked_best: share of prompts whose chosen model scores as high as any.
        pairs: share of pairs of models with unequal scores that are ranked right; a tie counts half.
    """

    score: Estimate
    over_best: Estimate
    gap_share: Estimate
    regret: Estimate
    picked_best: Estimate
    pairs: Estimate


def choices(trials: Trials, clusters: Sequence[str], *, resamples: int, seed: int = 0) -> dict[str, Choice]:
    """Router -> its choices.

    Args:
        clusters: N names; the intervals draw whole clusters.

    Raises:
        DataError: a score is unknown, or no router is called `BEST_SINGLE`.
    """
    scores = trials.test.scores
    if np.isnan(scores).any():
        raise DataError(
            "choices can only be judged where every model was tried", hint="leave out the other rows"
        )
    if BEST_SINGLE not in trials.predicted:
        raise DataError(f"no router is called {BEST_SINGLE!r}")
    weights = resampled(clusters, resamples, seed)
    oracle = scores.max(axis=1)
    single = rewards(trials, BEST_SINGLE)
    found = {}
    for name, predicted in trials.predicted.items():
        got = rewards(trials, name)
        right, count = _pairs(predicted, scores)
        gap = _mean(weights, oracle[None] - single)

        def of(values: FloatArray) -> Estimate:
            return estimate(values, seed)

        over = _mean(weights, got - single)
        found[name] = Choice(
            score=of(_mean(weights, got)),
            over_best=of(over),
            gap_share=of(_ratio(over, gap)),
            regret=of(_mean(weights, oracle[None] - got)),
            picked_best=of(_mean(weights, (got >= oracle[None]).astype(np.float64))),
            pairs=of(_ratio(_mean(weights, right), _mean(weights, count))),
        )
    return found


def chosen(predicted: FloatArray) -> IntArray:
    """(..., M) -> (...) number of the model with the highest prediction, the first of equals."""
    return np.asarray(predicted.argmax(axis=-1), dtype=np.int64)


def rewards(trials: Trials, name: str) -> FloatArray:
    """(D, N) scores of the models that the router chose."""
    rows = np.arange(len(trials.test))
    return np.asarray(trials.test.scores[rows[None], chosen(trials.predicted[name])])


def choice_table(title: str, found: Mapping[str, Choice], trials: Trials, note: str) -> Table:
    scores = trials.test.scores
    means = scores.mean(axis=0)
    best = int(means.argmax())
    lines = [
        ("oracle: the best model of each prompt", between(float(scores.max(axis=1).mean()), None), *_DASHES),
        (f"best in hindsight: {trials.test.models[best]}", between(float(means[best]), None), *_DASHES),
        ("any model, expected", between(float(means.mean()), None), *_DASHES),
    ]
    for name, choice in found.items():
        lines.append(
            (
                name,
                choice.score.text(),
                choice.over_best.text(),
                share(choice.gap_share),
                "yes" if choice.over_best.interval[0] > 0 else "no",
                choice.regret.text(),
                percent(choice.picked_best.value),
                percent(choice.pairs.value),
            )
        )
    return Table(title, HEADER, tuple(lines), note)


HEADER = (
    "", "score", "over best single", "share of the oracle gap", "above 0", "regret", "a best model", "pairs right",
)  # fmt: skip
_DASHES = ("-",) * (len(HEADER) - 2)


def _mean(weights: FloatArray, values: FloatArray) -> FloatArray:
    """(1 + B, N) and (D, N) -> (D, 1 + B)"""
    return np.asarray(values @ weights.T / weights.sum(axis=1), dtype=np.float64)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """NaN where there is no whole."""
    known = np.broadcast_to(whole, part.shape)
    return np.divide(part, known, out=np.full_like(part, np.nan), where=known > 0)


def _pairs(predicted: FloatArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(D, N) pairs ranked right, and (1, N) pairs that have a better model."""
    right, count = np.zeros(predicted.shape[:2]), np.zeros((1, len(scores)))
    for one, other in combinations(range(scores.shape[1]), 2):
        truth = np.sign(scores[:, one] - scores[:, other])
        said = np.sign(predicted[..., one] - predicted[..., other])
        right += np.where(truth == 0, 0.0, (1 + said * truth) / 2)
        count += (truth != 0)[None]
    return right, count
