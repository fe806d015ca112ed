"""From logits to the next token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

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
        top_p: the smallest set of likeliest tokens with this probability stays, in (0, 1].
        top_k: so many of the likeliest stay; 0 for all.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0

    def __post_init__(self) -> None:
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0:
            raise ConfigError(
                f"sampling: temperature {self.temperature} must be >= 0, top_p {self.top_p} in (0, 1], "
                f"top_k {self.top_k} >= 0"
            )


def uniform(seed: int, step: int) -> float:
    """A number in [0, 1) that depends on nothing but these two, on any machine and in any batch."""
    digest = blake2b(f"{seed}:{step}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> (64 - _BITS)) * 2.0**-_BITS


def draw(logits: Tensor, sampling: Sampling, numbers: Sequence[float]) -> Tensor:
    """(B, V) -> (B,) token ids.

    Args:
        numbers: one in [0, 1) per row, see `uniform`; its place among the probabilities, likeliest first, decides.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1)
    found = torch.softmax(logits.double() / sampling.temperature, -1).sort(
        dim=-1, descending=True, stable=True
    )
    probabilities, order = found.values, found.indices
    before = probabilities.cumsum(-1) - probabilities
    left = before < sampling.top_p
    if sampling.top_k:
        left[:, sampling.top_k :] = False
    left[:, 0] = True  # also where rounding says otherwise
    reached = (probabilities * left).cumsum(-1)
    aim = torch.tensor(numbers, dtype=reached.dtype, device=reached.device)[:, None] * reached[:, -1:]
    place = torch.searchsorted(reached, aim, right=True)
    last = left.sum(-1, keepdim=True) - 1  # the kept ones come first
    picked: Tensor = order.gather(-1, torch.minimum(place, last))[:, 0]
    return picked
