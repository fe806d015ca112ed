"""Detector and refinement as LCR publishes them: a state dict, whose shapes say what is what.

The names of its tensors are not documented.  A detector is two linear layers, 4096-512-1; a refinement is two, down to
the bottleneck and up again, 4096-732-4096.  No other shapes are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mendgraph.errors import ShapeMismatch
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.refinement import Refinement, RefinementSpec

__all__ = ["LAYER", "THRESHOLD", "published_detector", "published_refinement", "setting"]

LAYER = 16
"""Layers that have run before the states are read, as `hidden_states` counts them."""

THRESHOLD = 0.6

_STEPS = {
    "step": ("step_size", "alpha", "step"),
    "steps": ("max_steps", "num_steps", "steps"),
    "stop": ("stop", "epsilon", "tolerance"),
}
"""Setting of ours -> what a configuration may call it."""


def setting(config: Mapping[str, Any], names: tuple[str, ...], default: Any) -> Any:
    """The first of these keys, at the top or one level down."""
    nested = [part for part in config.values() if isinstance(part, Mapping)]
    for part in (config, *nested):
        for name in names:
            if name in part:
                return part[name]
    return default


def published_detector(state: Mapping[str, Tensor]) -> ConflictDetector:
    """
    Raises:
        ShapeMismatch: not the tensors of two linear layers that end in one number.
    """
    matrices, vectors = _split(state)
    outer = [weight for weight in matrices if weight.shape[0] == 1]
    inner = [weight for weight in matrices if weight.shape[0] != 1]
    if len(outer) != 1 or len(inner) != 1 or outer[0].shape[1] != inner[0].shape[0]:
        raise _misfit("detector", "H-W-1", state)
    width, inputs = inner[0].shape
    module = ConflictDetector(int(inputs), int(width))
    with torch.no_grad():
        module.inner.weight.copy_(inner[0])
        module.outer.weight.copy_(outer[0])
        module.inner.bias.copy_(_bias(vectors, int(width), "detector", state))
        module.outer.bias.copy_(_bias(vectors, 1, "detector", state))
    return module.eval().requires_grad_(False)


def published_refinement(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> Refinement:
    """
    Raises:
        ShapeMismatch: not the tensors of two linear layers, from H to a narrower width and back.
    """
    matrices, vectors = _split(state)
    pair = sorted(matrices, key=lambda weight: int(weight.shape[0]))
    if len(pair) != 2 or pair[0].shape != pair[1].T.shape or pair[0].shape[0] >= pair[0].shape[1]:
        raise _misfit("refinement", "H-B-H", state)
    inward, outward = pair
    bottleneck, hidden = (int(size) for size in inward.shape)
    chosen = {name: setting(config, keys, None) for name, keys in _STEPS.items()}
    spec = RefinementSpec(
        bottleneck, normed=False, **{name: value for name, value in chosen.items() if value is not None}
    )
    module = Refinement(hidden, spec)
    with torch.no_grad():
        module.up.weight.copy_(inward)
        module.down.weight.copy_(outward)
        module.up.bias.copy_(_bias(vectors, bottleneck, "refinement", state))
        module.down.bias.copy_(_bias(vectors, hidden, "refinement", state))
    return module.eval().requires_grad_(False)


def _split(state: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    parts = [part.float() for part in state.values()]
    return [part for part in parts if part.dim() == 2], [part for part in parts if part.dim() == 1]


def _bias(vectors: list[Tensor], size: int, what: str, state: Mapping[str, Tensor]) -> Tensor:
    """Zeros where the layer has none."""
    found = [vector for vector in vectors if len(vector) == size]
    if len(found) > 1:
        raise _misfit(what, "one bias for each layer", state)
    return found[0] if found else torch.zeros(size)


def _misfit(what: str, wanted: str, state: Mapping[str, Tensor]) -> ShapeMismatch:
    shapes = ", ".join(f"{name} {tuple(part.shape)}" for name, part in list(state.items())[:6])
    return ShapeMismatch(
        f"this is no {what} of the form {wanted}: it holds {shapes or 'nothing'}",
        hint="give another checkpoint",
    )
