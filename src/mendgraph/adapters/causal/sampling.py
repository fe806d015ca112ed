"""From logits to the next token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import inf

import torch
from torch import Tensor

from mendgraph.errors import ConfigError

__all__ = ["Sampling", "draw", "uniform"]

_BITS = 53  # of a double's fraction


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is drawn.

    Attributes:
        temperature: 0 takes the likeliest token; else logits are divided by it.
        top_k: so many of the likeliest stay (more where several tie for the last place); 0 for all.
        top_p: of these, the smallest set of likeliest tokens with this share of their probability stays, in (0, 1].
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < inf or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ConfigError(
                f"sampling: temperature {self.temperature} must be finite and >= 0, top_p {self.top_p} in (0, 1], "
                f"top_k {self.top_k} >= 0"
            )


def uniform(seed: int, step: int) -> float:
    """A number in [0, 1) that depends on nothing but these two, on any machine and in any batch."""
    digest = blake2b(f"{seed}:{step}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> (64 - _BITS)) * 2.0**-_BITS


def draw(logits: Tensor, sampling: Sampling, numbers: Sequence[float]) -> Tensor:
    """(B, V) -> (B,) token ids.

    Args:
        numbers: one in [0, 1) per row, see `uniform`; its place in the cumulated probabilities decides.  Not read at
            temperature 0.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    logits = logits.double()
    chances = torch.softmax((logits - logits.amax(-1, keepdim=True)) / sampling.temperature, -1)
    if 0 < sampling.top_k < chances.shape[-1]:
        least = chances.topk(sampling.top_k).values[:, -1:]
        chances = chances.masked_fill(chances < least, 0.0)
    if sampling.top_p < 1:
        ranked = chances.sort(-1, descending=True).values
        before = ranked.cumsum(-1) - ranked
        kept = (before < sampling.top_p * chances.sum(-1, keepdim=True)).sum(-1, keepdim=True)
        chances = chances.masked_fill(chances < ranked.gather(-1, kept.clamp(min=1) - 1), 0.0)
    reached = chances.cumsum(-1)
    aim = torch.tensor(numbers, dtype=reached.dtype, device=reached.device)[:, None] * reached[:, -1:]
    # the first token that reaches beyond the aim; rounding must not carry it behind the last one that is left
    last = torch.searchsorted(reached, reached[:, -1:].contiguous())
    return torch.minimum(torch.searchsorted(reached, aim, right=True), last)[:, 0]
