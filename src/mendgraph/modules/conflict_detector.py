"""Whether documents contradict each other, from the hidden states of the model that read them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["ConflictDetector", "default_width"]

_WIDEST = 512
_NARROWEST = 64
_FLAT = 1e-6


def default_width(inputs: int) -> int:
    """512 for a large model, as LCR has it for states of 4,096; half the inputs for a small one."""
    return max(_NARROWEST, min(_WIDEST, inputs // 2))


class ConflictDetector(nn.Module):
    """Linear, ReLU, Linear: (B, F) -> (B,) log-odds of a conflict.

    Inputs are standardised with the training set's means and deviations; where none were set they pass as they are.

    Args:
        inputs: F.
        width: of the hidden layer.
        dropout: of it while training.
    """

    def __init__(self, inputs: int, width: int | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        width = default_width(inputs) if width is None else width
        self.inputs, self.width = inputs, width
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.inner = nn.Linear(inputs, width)
        self.dropout = nn.Dropout(dropout)
        self.outer = nn.Linear(width, 1)

    def standardise(self, features: Tensor) -> None:
        """Take means and deviations from (N, F)."""
        with torch.no_grad():
            cast(Tensor, self.mean).copy_(features.mean(0))
            cast(Tensor, self.scale).copy_(features.std(0, correction=0).clamp(min=_FLAT))

    def forward(self, features: Tensor) -> Tensor:
        found = (features.float() - cast(Tensor, self.mean)) / cast(Tensor, self.scale)
        logits: Tensor = self.outer(self.dropout(self.inner(found).relu()))
        return logits[:, 0]
