"""What a router has to beat, as fits: rankings that do not read the prompt, and simple readers of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.core.routing_baselines import (
    NeighbourScores,
    RidgeScores,
    bradley_terry,
    least_squares,
    prompt_blind,
    random_scores,
)
from mendgraph.evaluation.prompt_routing.choices import BEST_SINGLE
from mendgraph.evaluation.prompt_routing.readings import Reader
from mendgraph.evaluation.prompt_routing.strong_calls import NGRAM
from mendgraph.evaluation.prompt_routing.trials import Fit
from mendgraph.training.prompt_routing.outcomes import Outcomes

NEIGHBOURS = 50
GRAM_PENALTY = 10.0
"""L2 of the n-gram ridge; the best of 1, 3, 10, 30 by cross-validation inside RouteLLM's training rows."""

GROUP_PRIOR = 8.0
"""Rows of all groups that stand beside a group's own."""


def baselines(sentences: Reader, grams: Reader) -> dict[str, Fit]:
    """Name -> fit.

    Args:
        sentences: vectors of the encoder's last layer, for the neighbours.
    """

    def neighbours(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        del seed
        fitted = NeighbourScores.fit(sentences.of(train.prompts), train.scores, NEIGHBOURS)
        return fitted.predict(sentences.of(prompts))

    def ridge(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        del seed
        fitted = RidgeScores.fit(grams.of(train.prompts), train.scores, GRAM_PENALTY)
        return fitted.predict(grams.of(prompts))

    return {
        "random": _random,
        BEST_SINGLE: _least_squares,
        "Bradley-Terry ranking": _bradley_terry,
        "nearest neighbours": neighbours,
        NGRAM: ridge,
    }


def told(groups: Mapping[str, str]) -> Fit:
    """Mean scores of the prompt's group in the training rows: for someone who is told subject or task beforehand.

    Args:
        groups: prompt -> group.
    """

    def fit(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
        del seed
        names = np.array(train.groups)
        everywhere = least_squares(train.scores)
        means = {}
        for name in set(train.groups):
            rows = train.scores[names == name]
            means[name] = (rows.sum(axis=0) + GROUP_PRIOR * everywhere) / (len(rows) + GROUP_PRIOR)
        return np.stack([means.get(groups[prompt], everywhere) for prompt in prompts])

    return fit


def _random(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
    return random_scores(len(prompts), len(train.models), seed)


def _least_squares(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
    del seed
    return prompt_blind(least_squares(train.scores), len(prompts))


def _bradley_terry(train: Outcomes, prompts: Sequence[str], seed: int) -> FloatArray:
    del seed
    pairs = train.comparisons().decisive()
    strengths = bradley_terry(pairs.first, pairs.second, pairs.outcome, len(train.models))
    return prompt_blind(strengths, len(prompts))
