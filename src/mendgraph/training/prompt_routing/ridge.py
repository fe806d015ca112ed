"""Strength and mixture heads as the one minimum of a penalised fit to outcomes, without epochs.

With the logistic link it is that of `fit_odds`; with the identity link least squares (Hoerl and Kennard, 1970), where
a logit is ``2 quality - 1`` itself, not a logarithm of odds, and the artefact says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mendgraph.core.arrays import FloatArray
from mendgraph.core.routing_baselines import RidgeScores
from mendgraph.modules.router import FixedRows, MixtureHead, RouterNetwork, StrengthHead
from mendgraph.training.prompt_routing.odds import fit_odds
from mendgraph.training.prompt_routing.specs import MixtureHeadSpec, RidgeSpec, StrengthHeadSpec

__all__ = ["block_scale", "fit_ridge"]


def fit_ridge(
    spec: RidgeSpec,
    head: StrengthHeadSpec | MixtureHeadSpec,
    vectors: Tensor,
    blocks: tuple[int, int],
    scores: FloatArray,
    groups: Sequence[str] = (),
) -> RouterNetwork:
    """
    Args:
        vectors: (N, D) inputs of training prompts.
        blocks: see `PromptInputs.blocks`.
        scores: (N, M) in [0, 1], NaN where unknown.
        groups: N names of what the prompts belong to; for the mixture.
    """
    points = vectors.double().numpy()
    mean, scale = points.mean(axis=0), block_scale(points, blocks, (spec.grams_weight, spec.features_weight))
    points = (points - mean) * scale
    names = sorted(set(groups)) if head.kind == "mixture" else []
    shares, likeness = _shares(head, points, groups, names)
    if spec.link == "identity":
        fitted = RidgeScores.fit(points, scores, spec.penalty)
        weights, strengths = 2.0 * fitted.weights, 2.0 * fitted.strengths - 1.0
        offsets = np.zeros((scores.shape[1], 0))
    else:
        odds = fit_odds(
            points,
            shares,
            scores,
            shared_penalty=spec.shared_penalty,
            penalty=spec.penalty,
            group_penalty=head.offset_penalty if head.kind == "mixture" else 1.0,
        )
        weights, strengths, offsets = odds.weights / 2.0, odds.strengths / 2.0, odds.offsets / 2.0
    network = _network(weights, strengths, offsets, likeness, head.rank)
    with torch.no_grad():
        network.head.mean.copy_(torch.from_numpy(mean))
        network.head.scale.copy_(torch.from_numpy(scale))
    return network.eval()


def block_scale(points: FloatArray, blocks: tuple[int, int], weights: tuple[float, float]) -> FloatArray:
    """(D,) factors after which rows have a mean squared distance of 1 from their mean.

    States and features get equal spread, n-grams keep their proportions; of that distance n-grams and features have
    `weights` for every 1 of the states.
    """
    grams, features = blocks
    spread = points.std(axis=0)
    states = len(spread) - grams - features
    factors = np.zeros(len(spread))
    total = 0.0
    parts = (slice(states), slice(states, states + grams), slice(states + grams, None))
    for part, weight in zip(parts, (1.0, *weights), strict=True):
        inside = spread[part]
        varied = inside > 1e-9
        if not varied.any() or not weight:
            continue
        if part == parts[1]:  # a rare n-gram would otherwise count as much as a frequent one
            factors[part] = np.sqrt(weight / (inside**2).sum())
        else:
            factors[part][varied] = np.sqrt(weight / varied.sum()) / inside[varied]
        total += weight
    return np.asarray(factors / np.sqrt(total or 1.0), dtype=np.float64)


def _shares(
    head: StrengthHeadSpec | MixtureHeadSpec, points: FloatArray, groups: Sequence[str], names: Sequence[str]
) -> tuple[FloatArray, RidgeScores | None]:
    """(N, G) how much each prompt is like each group, as `MixtureHead.prompts` makes it, and the regression behind."""
    if head.kind == "strength":
        return np.zeros((len(points), 0)), None
    members = np.array([[name == group for name in names] for group in groups], dtype=np.float64)
    likeness = RidgeScores.fit(points, members, head.penalty)
    positive = np.maximum(likeness.predict(points), 0.0) ** 2
    return positive / np.maximum(positive.sum(axis=1, keepdims=True), 1e-12), likeness


def _network(
    weights: FloatArray, strengths: FloatArray, offsets: FloatArray, likeness: RidgeScores | None, rank: int
) -> RouterNetwork:
    """Logits ``x @ weights + strengths + shares @ offsets.T``; weights (D, M) keep their first singular directions."""
    left, sizes, right = np.linalg.svd(weights, full_matrices=False)
    kept = min(rank, len(sizes))
    tower, biases = left[:, :kept].T, np.zeros(kept)
    head = StrengthHead(len(weights), kept)
    if likeness is not None:
        head = MixtureHead(len(weights), offsets.shape[1], kept)
        tower = np.concatenate([likeness.weights.T, tower])
        biases = np.concatenate([likeness.strengths, biases])
    linear = head.tower[0]
    assert isinstance(linear, nn.Linear)  # no hidden layers were asked for
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(tower))
        linear.bias.copy_(torch.from_numpy(biases))
    directions = np.concatenate([offsets, right[:kept].T * sizes[:kept]], axis=1) * head.rank**0.5
    rows = np.concatenate([strengths[:, None], directions], axis=1)
    return RouterNetwork(head, FixedRows(torch.from_numpy(rows).float()))
