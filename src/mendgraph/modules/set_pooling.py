"""One vector for a set of vectors, whatever their order and number."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mendgraph.errors import ConfigError

__all__ = ["SetPooling"]


class SetPooling(nn.Module):
    """Pooling by multi-head attention with one learned query (Lee et al. 2019, "Set Transformer", section 3.2)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ConfigError(f"heads: {heads} do not divide the width {width}")
        self.query = nn.Parameter(torch.randn(1, 1, width) / width**0.5)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm = nn.LayerNorm(width)

    def forward(self, members: Tensor, present: Tensor | None = None) -> Tensor:
        """(B, S, W) -> (B, W).

        Args:
            present: (B, S), False for places that hold no member; None when all do.  No set may be empty.
        """
        query = self.query.expand(len(members), -1, -1)
        absent = None if present is None else ~present
        pooled, _ = self.attention(query, members, members, key_padding_mask=absent, need_weights=False)
        found: Tensor = self.norm(pooled + query).squeeze(1)
        return found
