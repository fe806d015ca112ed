"""Makes a router's logits mean something: two numbers fitted on prompts it was not trained on."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.adapters.router_model import IDENTITY, OUTCOME, WIN_RATE
from mendgraph.core.arrays import FloatArray
from mendgraph.training.prompt_routing.comparisons import Comparisons

__all__ = ["Quality", "fit_outcome_quality", "fit_win_rate"]

Quality = tuple[str, float, float]
"""Meaning, slope and intercept, see `RouterModel`."""

PRIOR = 1.0
"""Precision of slope and intercept around 1 and 0, in observations."""


def fit_outcome_quality(logits: FloatArray, outcomes: FloatArray, link: str) -> Quality:
    """From (N, M) logits and outcomes in [0, 1], NaN where unknown: Platt's map, or a line for the identity link."""
    known = ~np.isnan(outcomes)
    found, truth = logits[known], outcomes[known]
    if link == IDENTITY:
        rows = np.stack([0.5 * (found + 1.0), np.ones(len(found))], axis=1)
        prior = np.array([1.0, 0.0])
        inner = rows.T @ rows + PRIOR * np.eye(2)
        slope, intercept = np.linalg.solve(inner, rows.T @ truth + PRIOR * prior)
        return OUTCOME, float(max(slope, 0.0)), float(intercept)
    return OUTCOME, *_logistic(2.0 * found, truth, np.ones(len(found)), intercept=True)


def fit_win_rate(logits: FloatArray, compared: Comparisons) -> Quality:
    """From (N, M) logits and comparisons of them: how sharp ``P(a beats b)`` is."""
    lead = 2.0 * (logits[compared.rows, compared.first] - logits[compared.rows, compared.second])
    return WIN_RATE, *_logistic(lead, compared.outcome, compared.weight, intercept=False)


def _logistic(
    inputs: FloatArray, outcomes: FloatArray, weights: FloatArray, *, intercept: bool
) -> tuple[float, float]:
    """Slope >= 0 and intercept of a penalised logistic regression."""
    x, y, w = (torch.from_numpy(np.asarray(part, dtype=np.float64)) for part in (inputs, outcomes, weights))
    theta = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([theta], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        shift = theta[1] if intercept else 0.0
        fit = F.binary_cross_entropy_with_logits(theta[0] * x + shift, y, weight=w, reduction="sum")
        total = fit + 0.5 * PRIOR * ((theta[0] - 1.0).square() + theta[1].square())
        total.backward()
        return total

    optimizer.step(loss)
    slope, found = theta.tolist()
    return max(slope, 0.0), found if intercept else 0.0
