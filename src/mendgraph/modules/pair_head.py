"""A head on two texts read together: what each says, how they differ, and what can be compared without reading."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["PairHead", "pair_states"]

PARTS = 5


def pair_states(states: Tensor, mask: Tensor | None, types: Tensor) -> Tensor:
    """(B, 5H) float32: the first token's state, the mean state of each text, their absolute difference and product.

    Args:
        states: (B, T, H) of the last layer.
        mask: (B, T), 0 where padded; None when no row is.
        types: (B, T), 1 for tokens of the second text.
    """
    states = states.float()
    second = types.float() if mask is None else types * mask.float()
    first = (torch.ones_like(second) if mask is None else mask.float()) - second
    one, other = (
        (states * span.unsqueeze(-1)).sum(1) / span.sum(1, keepdim=True).clamp(min=1.0)
        for span in (first, second)
    )
    return torch.cat([states[:, 0], one, other, (one - other).abs(), one * other], dim=1)


class PairHead(nn.Module):
    """From `pair_states` and features of the same pair to logits of its classes.

    The features are standardised with figures of the training data, which are stored with the weights.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, hidden_size: int, features: int, width: int, classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.states = nn.LayerNorm(PARTS * hidden_size)
        self.first = nn.Linear(PARTS * hidden_size + features, width)
        self.drop = nn.Dropout(dropout)
        self.second = nn.Linear(width, classes)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def standardise(self, features: Tensor) -> None:
        """
        Args:
            features: (N, F) of the training pairs.
        """
        self.mean.copy_(features.mean(0))
        self.scale.copy_(features.std(0, correction=0).clamp(min=1e-3))

    def reading(self) -> list[nn.Parameter]:
        """Parameters of the part that reads states."""
        return list(self.parameters())

    def forward(self, states: Tensor, features: Tensor) -> Tensor:
        """(B, 5H), (B, F) -> (B, classes)"""
        known = (features - self.mean) / self.scale
        hidden = torch.cat([self.states(states), known], dim=1)
        logits: Tensor = self.second(self.drop(torch.relu(self.first(self.drop(hidden)))))
        return logits
