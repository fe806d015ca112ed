"""Odds of a good answer from what is hard for all LLMs and what is hard for one: the minimum of a penalised likelihood.

    logit[n, m] = strength[m] + points[n] . (shared + own[m]) + shares[n] . offset[m]

is a Rasch model (1960) whose difficulties are read from the prompt, with a penalty on every LLM's deviation from it.
Difficulty is learned from all LLMs together.  Least squares on each one's outcomes has to learn it once per LLM, and
knows no ceiling: where a strong and a weak LLM both succeed, nothing is to be gained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from mendgraph.core.arrays import FloatArray, sigmoid
from mendgraph.errors import DataError

__all__ = ["OddsFit", "fit_odds"]

STEPS = 60
"""Of L-BFGS; the penalties make the minimum unique, and later steps change no ranking."""


@dataclass(frozen=True, slots=True, eq=False)
class OddsFit:
    """In nats.

    Attributes:
        strengths: (M,)
        weights: (D, M), the shared ones and an LLM's own together.
        offsets: (M, G)
    """

    strengths: FloatArray
    weights: FloatArray
    offsets: FloatArray

    def quality(self, points: FloatArray, shares: FloatArray) -> FloatArray:
        """(N, M) expected outcome in [0, 1]."""
        return sigmoid(self.strengths + points @ self.weights + shares @ self.offsets.T)


def fit_odds(
    points: FloatArray,
    shares: FloatArray,
    scores: FloatArray,
    *,
    shared_penalty: float = 2.0,
    penalty: float = 2.5,
    group_penalty: float = 1.0,
) -> OddsFit:
    """
    Args:
        points: (N, D) with mean 0 and a mean squared length of 1.
        shares: (N, G), how much a prompt is like each known group; (N, 0) for none.
        scores: (N, M) in [0, 1], NaN where unknown; between 0 and 1 is part of a success.
        shared_penalty, penalty, group_penalty: of a squared unit of shared weight, of an LLM's own, and of an offset;
            in half nats.
    """
    known = ~np.isnan(scores)
    if not known.any(axis=0).all():
        raise DataError(f"model number {int(np.flatnonzero(~known.any(axis=0))[0])} has no known score")
    x, parts = torch.from_numpy(points).float(), torch.from_numpy(shares).float()
    y = torch.from_numpy(np.where(known, scores, 0.0)).float()
    mask = torch.from_numpy(known).float()
    models = scores.shape[1]
    rate = ((y.sum(0) + 0.5) / (mask.sum(0) + 1.0)).logit()  # half a row of chance: never infinite
    strengths, shared, own, offsets = (
        part.requires_grad_()
        for part in (
            rate,
            torch.zeros(x.shape[1], 1),
            torch.zeros(x.shape[1], models),
            torch.zeros(parts.shape[1], models),
        )
    )
    solver = torch.optim.LBFGS(
        [strengths, shared, own, offsets], max_iter=STEPS, history_size=12, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        solver.zero_grad()
        logits = strengths + x @ (shared + own) + parts @ offsets  # (N, M)
        fit = (binary_cross_entropy_with_logits(logits, y, reduction="none") * mask).sum()
        pull = shared_penalty * shared.square().sum() + penalty * own.square().sum()
        total: Tensor = fit + 0.5 * (pull + group_penalty * offsets.square().sum())
        total.backward()
        return total

    solver.step(loss)
    return OddsFit(_numbers(strengths), _numbers(shared + own), _numbers(offsets.T))


def _numbers(tensor: Tensor) -> FloatArray:
    found: FloatArray = tensor.detach().double().numpy()
    return found
