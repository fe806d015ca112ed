"""A head that says whether the second of two texts answers the first, and where in it the answer stands."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mendgraph.modules.pair_head import PairHead

__all__ = ["AnswerHead", "first_and_last", "inside"]


class AnswerHead(PairHead):
    """`PairHead`, and for each token how well an answer begins or ends with it (Devlin et al., 2019, section 4.2)."""

    def __init__(
        self, hidden_size: int, features: int, width: int, classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__(hidden_size, features, width, classes, dropout)
        self.tokens = nn.LayerNorm(hidden_size)
        self.borders = nn.Linear(hidden_size, 2)

    def marks(self, states: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, 2) float32 logits of the first and of the last token of the answer."""
        logits: Tensor = self.borders(self.tokens(states.float()))
        return logits


def first_and_last(marks: Tensor, second: Tensor) -> Tensor:
    """(B, T, 2) log-probabilities of first and last token among those of the second text, -inf elsewhere.

    Args:
        marks: (B, T, 2) logits.
        second: (B, T), true for tokens of the second text.
    """
    return marks.masked_fill(~second.bool().unsqueeze(-1), float("-inf")).log_softmax(1)


def inside(types: Tensor, mask: Tensor | None) -> Tensor:
    """(B, T) true for tokens of the second text but for the separator that ends it.

    Args:
        types, mask: (B, T) segment ids, and 0 where padded; no mask when no row is.
    """
    second = types.bool() if mask is None else types.bool() & mask.bool()
    after = torch.cat([second[:, 1:], torch.zeros_like(second[:, :1])], dim=1)
    return second & after
