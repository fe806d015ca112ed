"""The optimisers of the specs, as one object each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mendgraph.training.prompt_routing.specs import GradientSpec, MuonSpec

__all__ = ["Together", "make_optimizer"]

HEADS_LEARN_AT_LEAST = 1e-3
"""Heads start from random numbers and want larger steps than a pretrained encoder."""


class Together:
    """Several optimisers stepped as one."""

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self.parts = tuple(parts)

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {str(number): part.state_dict() for number, part in enumerate(self.parts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for number, part in enumerate(self.parts):
            part.load_state_dict(state[str(number)])


def make_optimizer(
    spec: GradientSpec, head: Sequence[nn.Parameter], encoder: Sequence[nn.Parameter] = ()
) -> Together:
    """Over what needs a gradient.

    Args:
        head: parameters that start from random numbers; they learn at `HEADS_LEARN_AT_LEAST` at least.
        encoder: pretrained ones, at the rate of the spec.
    """
    groups = [
        ([part for part in parts if part.requires_grad], rate)
        for parts, rate in ((head, HEADS_LEARN_AT_LEAST), (encoder, 0.0))
    ]
    if spec.kind == "muon":
        return Together(_muon(spec, groups))
    kind = torch.optim.AdamW if spec.kind == "adamw" else torch.optim.Adam
    settings = [{"params": parts, "lr": max(spec.learning_rate, rate)} for parts, rate in groups if parts]
    return Together([kind(settings, betas=spec.betas, weight_decay=spec.weight_decay)])


def _muon(spec: MuonSpec, groups: Sequence[tuple[list[nn.Parameter], float]]) -> list[torch.optim.Optimizer]:
    """Muon takes matrices; an embedding table or a bias has no use for orthogonal steps."""
    matrices = [part for parts, _ in groups for part in parts if part.dim() == 2 and min(part.shape) > 1]
    taken = {id(part) for part in matrices}
    rest = [
        {"params": left, "lr": max(spec.other.learning_rate, rate)}
        for parts, rate in groups
        if (left := [part for part in parts if id(part) not in taken])
    ]
    found: list[torch.optim.Optimizer] = []
    if matrices:
        found.append(
            torch.optim.Muon(
                matrices,
                lr=spec.learning_rate,
                weight_decay=spec.weight_decay,
                momentum=spec.momentum,
                nesterov=spec.nesterov,
            )
        )
    if rest:
        found.append(torch.optim.AdamW(rest, betas=spec.other.betas, weight_decay=spec.other.weight_decay))
    return found
