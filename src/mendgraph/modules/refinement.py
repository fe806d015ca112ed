"""Refinement of hidden states: h <- h + step * W_down ReLU(W_up h), a few times, with the same weights each time."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

__all__ = ["Refined", "Refinement", "RefinementSpec", "default_bottleneck", "in_random_direction"]

_PUBLISHED = 732 / 4096
_NARROWEST = 8
_TINY = 1e-6


def default_bottleneck(hidden_size: int) -> int:
    """732 for states of 4,096, as LCR has it; the same share of others."""
    return max(_NARROWEST, round(hidden_size * _PUBLISHED))


@dataclass(frozen=True, slots=True)
class RefinementSpec:
    """
    Attributes:
        bottleneck: width between the two matrices; None takes the published share of the hidden size.
        step: factor of each update.
        steps: updates at most; one of them is the single-shot variant.
        stop: a row is left alone once an update moves it by less than this, see `Refined.lengths`.
        gated: each token's update is weighted by a sigmoid of its own state.
        normed: the update sees states of root mean square 1 and is scaled back; the published module sees them raw.
    """

    bottleneck: int | None = None
    step: float = 0.3
    steps: int = 3
    stop: float = 0.01
    gated: bool = False
    normed: bool = True


@dataclass(frozen=True, slots=True)
class Refined:
    """
    Attributes:
        states: (B, T, H).
        lengths: (steps, B) how far each update moved a row: mean over its tokens of ||update|| / ||state||; 0 where
            it was left alone.
        taken: (B,) updates that each row got.
    """

    states: Tensor
    lengths: Tensor
    taken: Tensor


class Refinement(nn.Module):
    """Begins as the identity: `down` is zero until it is trained."""

    def __init__(self, hidden_size: int, spec: RefinementSpec | None = None) -> None:
        super().__init__()
        self.spec = spec = RefinementSpec() if spec is None else spec
        self.hidden_size = hidden_size
        self.bottleneck = default_bottleneck(hidden_size) if spec.bottleneck is None else spec.bottleneck
        self.up = nn.Linear(hidden_size, self.bottleneck)
        self.down = nn.Linear(self.bottleneck, hidden_size)
        self.gate = nn.Linear(hidden_size, 1) if spec.gated else None
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, states: Tensor, mask: Tensor) -> Refined:
        """
        Args:
            states: (B, T, H).
            mask: (B, T); where 0 (padding, tokens of an answer) states stay as they are.
        """
        inside = mask.to(states.dtype)
        tokens = inside.sum(1).clamp(min=1)
        moving = torch.ones_like(tokens)
        taken = torch.zeros_like(tokens)
        lengths = []
        for _ in range(self.spec.steps):
            update = self._update(states) * (inside * moving[:, None])[..., None]
            size = update.norm(dim=-1) / states.detach().norm(dim=-1).clamp(min=_TINY)  # (B, T)
            length = (size * inside).sum(1) / tokens
            states = states + update
            lengths.append(length)
            taken = taken + moving
            moving = moving * (length.detach() >= self.spec.stop).to(moving.dtype)
        return Refined(states, torch.stack(lengths), taken.long())

    def _update(self, states: Tensor) -> Tensor:
        scale = states.square().mean(-1, keepdim=True).sqrt().clamp(min=_TINY) if self.spec.normed else None
        seen = states if scale is None else states / scale
        update: Tensor = self.down(self.up(seen).relu())
        if self.gate is not None:
            update = update * self.gate(seen).sigmoid()
        if scale is not None:
            update = update * scale
        moved: Tensor = self.spec.step * update
        return moved


def in_random_direction(states: Tensor, refined: Tensor, noise: Generator) -> Tensor:
    """`states` moved as far as `refined` is, token by token, but in directions drawn by chance."""
    drawn = torch.randn(states.shape, generator=noise, dtype=states.dtype).to(states.device)
    drawn = drawn / drawn.norm(dim=-1, keepdim=True).clamp(min=_TINY)
    moved: Tensor = states + drawn * (refined - states).norm(dim=-1, keepdim=True)
    return moved
