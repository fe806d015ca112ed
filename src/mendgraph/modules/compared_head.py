"""A pair head with a second part that reads nothing and only weighs what was compared."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mendgraph.modules.pair_head import PairHead

__all__ = ["ComparedHead"]

KNOWN = 96
FARTHEST = 8.0
"""Standard deviations; a feature farther from its mean counts as that far."""


class ComparedHead(PairHead):
    """The logits of two parts add up: one reads states and features, as in `PairHead`; the other features alone.

    They are trained apart, the second on many more pairs, because it costs next to nothing; until then it says nothing.
    """

    def __init__(
        self, hidden_size: int, features: int, width: int, classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__(hidden_size, features, width, classes, dropout)
        self.known_first = nn.Linear(features, KNOWN)
        self.known_second = nn.Linear(KNOWN, classes)
        nn.init.zeros_(self.known_second.weight)
        nn.init.zeros_(self.known_second.bias)
        self.kept: frozenset[int] = frozenset()
        """Features whose mean and scale stay as they are, because weights were learned with them."""

    def standardise(self, features: Tensor) -> None:
        mean, scale = self.mean.clone(), self.scale.clone()
        super().standardise(features)
        for at in self.kept:
            self.mean[at], self.scale[at] = mean[at], scale[at]
        self.kept = frozenset(range(len(mean)))

    def forward(self, states: Tensor, features: Tensor) -> Tensor:
        logits: Tensor = super().forward(states, features)
        return logits + self.compared(features)

    def compared(self, features: Tensor) -> Tensor:
        """(B, F) -> (B, classes): logits of the second part."""
        known = ((features - self.mean) / self.scale).clamp(-FARTHEST, FARTHEST)
        logits: Tensor = self.known_second(self.drop(torch.relu(self.known_first(known))))
        return logits

    def comparing(self) -> list[nn.Parameter]:
        """Parameters of the second part."""
        return [*self.known_first.parameters(), *self.known_second.parameters()]

    def reading(self) -> list[nn.Parameter]:
        alone = {id(one) for one in self.comparing()}
        return [one for one in self.parameters() if id(one) not in alone]

    def weigh(self, weight: float) -> None:
        """Multiplies the logits of the first part."""
        with torch.no_grad():
            for part in self.second.parameters():
                part.mul_(weight)
