"""Muon for the weight matrices between embedding and head, AdamW for all else, as one optimizer for `Trainer`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Muon, Optimizer

from mendgraph.training.lm.spec import RunSpec

_BETAS = (0.9, 0.95)
_EMBEDDINGS = ("embed_tokens", "lm_head")


def optimizer_for(model: nn.Module, spec: RunSpec) -> Optimizer:
    """`Muon` and AdamW where the spec asks for Muon, else AdamW alone; norms are not decayed."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    hidden = [w for name, w in named if w.ndim == 2 and not any(part in name for part in _EMBEDDINGS)]
    inside = {id(weight) for weight in hidden} if spec.muon else set()
    others = [weight for _, weight in named if id(weight) not in inside]
    adamw = AdamW(
        [
            {"params": [w for w in others if w.ndim > 1], "weight_decay": spec.weight_decay},
            {"params": [w for w in others if w.ndim < 2], "weight_decay": 0.0},
        ],
        lr=spec.learning_rate,
        betas=_BETAS,
        fused=True,
    )
    if not spec.muon:
        return adamw
    muon = Muon(hidden, lr=spec.learning_rate, weight_decay=spec.weight_decay, adjust_lr_fn="match_rms_adamw")
    return Both(muon, adamw)


class Both(Optimizer):
    """Two optimizers that step together; each keeps its own state, and both follow one schedule.

    With updates of AdamW's size (Liu et al. 2025, Muon is Scalable for LLM Training, section 2.2) one learning rate
    serves both.
    """

    def __init__(self, *parts: Optimizer) -> None:
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._parts = parts
        self._share_groups()

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()

    def _share_groups(self) -> None:
        # The schedule writes rates into these very dicts.
        self.param_groups = [group for part in self._parts for group in part.param_groups]
