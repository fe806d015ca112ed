"""Makes the heads' numbers mean something: the mixture's temperature, and each expert's trust in itself."""

from __future__ import annotations

import numpy as np
import torch

from mendgraph.core.arrays import FloatArray, sigmoid
from mendgraph.core.token_routing import adequate, lazy_expert, mixture_nats
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.training.token_routing.scoring import hear
from mendgraph.training.token_routing.states import States

_GOLDEN = (5**0.5 - 1) / 2
_NEWTON = 25
_RIDGE = 1e-6
_PLACES = 201


def calibrate(heads: ExpertHeads, dev: States, *, tolerance: float) -> None:
    """Sets `temperature`, `slope` and `offset` from held-out states.

    The temperature makes the mixture's likelihood greatest; it leaves the order of the experts as it is.  Slope and
    offset (Platt, 1999) make sigmoid(slope * score + offset) the chance that the expert is within `tolerance` nats
    of the best one.
    """
    scores = hear(heads, dev).scores
    temperature = best_temperature(scores, np.asarray(dev.nats, np.float64))
    good = adequate(dev.nats, tolerance)
    fitted = [fit_trust(row, truth.astype(np.float64)) for row, truth in zip(scores, good, strict=True)]
    with torch.no_grad():
        heads.temperature.fill_(temperature)
        heads.slope.copy_(torch.tensor([slope for slope, _ in fitted]))
        heads.offset.copy_(torch.tensor([offset for _, offset in fitted]))


def fit_doubt(heads: ExpertHeads, dev: States, share: float) -> float:
    """The highest trust to ask of a lazy expert if all may be heard at `share` of the tokens."""
    said = hear(heads, dev)
    places = np.unique(np.quantile(said.trust, np.linspace(0, 1, _PLACES)))
    low, high = 0, len(places) - 1  # the more trust is asked for, the more often all are heard
    while low < high:
        middle = (low + high + 1) // 2
        _, heard = lazy_expert(said.trust, dev.tokens.starts, float(places[middle]))
        low, high = (middle, high) if heard.mean() <= share else (low, middle - 1)
    return float(places[low])


def best_temperature(scores: FloatArray, nats: FloatArray, low: float = 0.05, high: float = 20.0) -> float:
    """The temperature in [low, high] under which the mixture is likeliest, by golden-section search over its log."""

    def cost(place: float) -> float:
        return float(mixture_nats(scores, nats, float(np.exp(place))).mean())

    ends = [float(np.log(low)), float(np.log(high))]
    for _ in range(40):
        a, b = ends
        inner = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
        ends = [a, inner[1]] if cost(inner[0]) <= cost(inner[1]) else [inner[0], b]
    return float(np.exp(sum(ends) / 2))


def fit_trust(scores: FloatArray, good: FloatArray) -> tuple[float, float]:
    """(slope, offset) of a logistic regression by Newton's method; slope >= 0, else the base rate for every token."""
    wins = good.sum()
    target = np.where(good > 0, (wins + 1) / (wins + 2), 1 / (len(good) - wins + 2))
    design = np.stack([scores, np.ones_like(scores)])  # (2, N)
    place = np.zeros(2)
    for _ in range(_NEWTON):
        chance = sigmoid(place @ design)
        slope = design @ (chance - target)
        bend = (design * (chance * (1 - chance))) @ design.T + _RIDGE * np.eye(2)
        place = place - np.linalg.solve(bend, slope)
    if place[0] >= 0 and np.isfinite(place).all():
        return float(place[0]), float(place[1])
    mean = float(target.mean())
    return 0.0, float(np.log(mean / (1 - mean)))
