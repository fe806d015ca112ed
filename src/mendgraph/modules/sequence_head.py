"""One choice of expert for a whole text, made from its beginning: what routing token by token has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["SequenceHead"]


class SequenceHead(nn.Module):
    """A linear classifier over the experts' mean states of a prompt, standardised.

    Attributes:
        experts: names, in the order of the scores.
        prompt_tokens: how many tokens of a text it reads at most.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, experts: Sequence[str], hidden_size: int, *, prompt_tokens: int = 32) -> None:
        super().__init__()
        self.experts, self.prompt_tokens = tuple(experts), prompt_tokens
        width = len(self.experts) * hidden_size
        self.linear = nn.Linear(width, len(self.experts))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))

    def forward(self, pooled: Tensor) -> Tensor:
        """(P, M H) mean states -> (P, M) scores."""
        scores: Tensor = self.linear((pooled - self.mean) / self.spread)
        return scores

    @staticmethod
    def pool(states: Tensor) -> Tensor:
        """(M, T, H) states of one text's first tokens -> (M H,)."""
        return states.float().mean(dim=1).flatten()
