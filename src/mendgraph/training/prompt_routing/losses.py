"""What a router is taught by: comparisons of two LLMs, or the outcomes themselves.

An LLM's strength on a prompt is ``2 logit`` in nats: then its expected outcome is ``sigmoid(strength)``, that is
``(score + 1) / 2``, and the chance to beat another is ``sigmoid`` of the difference of strengths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.training.prompt_routing.specs import LossSpec

__all__ = ["PairLoss", "outcome_loss", "pair_loss"]


class PairLoss(nn.Module, ABC):
    """Mean over comparisons.

    Called with logits of the first and the second LLM, the outcome (1 first, 0 second, .5 tie; between them soft),
    and the weights, (B,) each.
    """

    def forward(self, first: Tensor, second: Tensor, outcome: Tensor, weight: Tensor) -> Tensor:
        each = self.each(first, second, outcome)
        return (each * weight).sum() / weight.sum().clamp(min=1e-12)

    @abstractmethod
    def each(self, first: Tensor, second: Tensor, outcome: Tensor) -> Tensor:
        """(B,) losses before they are weighed."""


class MarginLoss(PairLoss):
    """``max(0, margin - y (s_a - s_b))``, y = 1 or -1, on scores in [-1, 1]; ties, where y is 0, teach nothing.

    A soft judgement counts by how far it is from a tie.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def each(self, first: Tensor, second: Tensor, outcome: Tensor) -> Tensor:
        side = 2.0 * outcome - 1.0
        return side.abs() * (self.margin - side.sign() * (first.tanh() - second.tanh())).clamp(min=0)


class BradleyTerryLoss(PairLoss):
    """Cross-entropy of ``P(a beats b) = sigmoid(strength_a - strength_b)``; Bradley and Terry, 1952."""

    def each(self, first: Tensor, second: Tensor, outcome: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(2.0 * (first - second), outcome, reduction="none")


class DavidsonLoss(PairLoss):
    """Davidson, 1970, eq. 2.2: win, tie and loss are as ``p_a : nu sqrt(p_a p_b) : p_b``, p = exp(strength).

    A soft judgement is spread over the two of win, tie and loss that it lies between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_nu = nn.Parameter(torch.zeros(()))

    def each(self, first: Tensor, second: Tensor, outcome: Tensor) -> Tensor:
        lead = first - second  # half the difference of strengths
        chances = torch.stack([lead, self.log_nu.expand_as(lead), -lead], dim=1).log_softmax(1)
        return -(chances * _three(outcome)).sum(1)


class RaoKupperLoss(PairLoss):
    """Rao and Kupper, 1967, eq. 2.2: ``P(a wins) = p_a / (p_a + theta p_b)``, theta >= 1, p = exp(strength)."""

    def __init__(self) -> None:
        super().__init__()
        self.free = nn.Parameter(torch.zeros(()))

    def each(self, first: Tensor, second: Tensor, outcome: Tensor) -> Tensor:
        lead = 2.0 * (first - second)
        threshold = F.softplus(self.free) + 1e-4  # log theta
        win, loss = F.logsigmoid(lead - threshold), F.logsigmoid(-lead - threshold)
        # P(tie) = (theta^2 - 1) P(win) P(loss)
        tie = win + loss + torch.expm1(2.0 * threshold).log()
        return -(torch.stack([win, tie, loss], dim=1) * _three(outcome)).sum(1)


def _three(outcome: Tensor) -> Tensor:
    """(B,) in [0, 1] -> (B, 3) shares of win, tie and loss with the same expected outcome."""
    win, loss = (2.0 * outcome - 1.0).clamp(min=0), (1.0 - 2.0 * outcome).clamp(min=0)
    return torch.stack([win, 1.0 - win - loss, loss], dim=1)


def pair_loss(spec: LossSpec) -> PairLoss:
    """The loss that the spec asks for; ``regression`` has none over pairs, see `outcome_loss`."""
    if spec.kind == "margin":
        return MarginLoss(spec.margin)
    if spec.kind == "davidson":
        return DavidsonLoss()
    return RaoKupperLoss() if spec.kind == "rao_kupper" else BradleyTerryLoss()


def outcome_loss(logits: Tensor, outcomes: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of outcomes in [0, 1], (B,) each; its minimum is at the expected outcome."""
    each = F.binary_cross_entropy_with_logits(2.0 * logits, outcomes, reduction="none")
    return (each * weight).sum() / weight.sum().clamp(min=1e-12)
