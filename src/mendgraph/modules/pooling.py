"""From token states to one vector per text."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mendgraph.errors import UnknownNameError

__all__ = ["POOLINGS", "pool"]


def _mean(states: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return states.mean(1)
    weights = mask.unsqueeze(-1).to(states.dtype)  # (B, T, 1)
    return (states * weights).sum(1) / weights.sum(1)


def _max(states: Tensor, mask: Tensor | None) -> Tensor:
    if mask is not None:
        states = states.masked_fill(mask.unsqueeze(-1) == 0, float("-inf"))
    return states.amax(1)


def _cls(states: Tensor, mask: Tensor | None) -> Tensor:
    del mask
    return states[:, 0]


def _std(states: Tensor, mask: Tensor | None) -> Tensor:
    mean = _mean(states, mask).unsqueeze(1)
    return _mean((states - mean).square(), mask).sqrt()


def _last(states: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return states[:, -1]
    last = mask.shape[1] - 1 - mask.flip(1).to(torch.int).argmax(1)  # whichever side is padded
    return states[torch.arange(len(states), device=states.device), last]


def _mean_max(states: Tensor, mask: Tensor | None) -> Tensor:
    return torch.cat([_mean(states, mask), _max(states, mask)], -1)


POOLINGS: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {
    "mean": _mean,
    "max": _max,
    "cls": _cls,
    "last": _last,
    "std": _std,
    "mean_max": _mean_max,
}


def pool(name: str, states: Tensor, mask: Tensor | None) -> Tensor:
    """(B, T, H) -> (B, H) float32, or (B, 2H) for ``mean_max``; `mask` (B, T) is None when no row is padded."""
    if name not in POOLINGS:
        raise UnknownNameError("pooling", name, POOLINGS)
    return POOLINGS[name](states.float(), mask)
