"""Heads as saLM-1 published them: ``projection_heads.<model>.non_linear_projection.<layer>.<part>``.

Each is Linear, BatchNorm, ReLU, dropout, twice, and Linear.  With the running statistics of evaluation, BatchNorm is a
linear map of each feature, so that it is folded into the layer before it: the heads computed are the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mendgraph.errors import ShapeMismatch
from mendgraph.modules.expert_heads import ExpertHeads

__all__ = ["PREFIX", "UNDER", "published_heads"]

UNDER = "projection_heads_state_dict"
"""Key of a checkpoint of an epoch; the best model's file holds the heads alone."""

PREFIX = "projection_heads."
_KEY = re.compile(r"(?:.*\.)?projection_heads\.(.+)\.non_linear_projection\.(\d+)\.(\w+)")
_LINEAR = (0, 4, 8)
_NORM = {0: 1, 4: 5}  # BatchNorm after the linear layer
_EPSILON = 1e-5  # nn.BatchNorm1d's


def published_heads(state: Mapping[str, Tensor], experts: Sequence[str]) -> ExpertHeads:
    """Heads named `experts`, by name where the names are the file's, else in the file's order.

    Raises:
        ShapeMismatch: keys are missing or strange, heads differ in shape, or there are not as many as experts.
    """
    layers: dict[str, dict[str, Tensor]] = {}
    for key, part in state.items():
        found = _KEY.fullmatch(key)
        if found is None:
            raise ShapeMismatch(
                f"published heads: unexpected key {key!r}", hint="only heads can be in this file"
            )
        name, number, leaf = found.groups()
        layers.setdefault(name, {})[f"{number}.{leaf}"] = part
    names = list(layers)
    if not set(experts) <= set(names):
        if len(names) != len(experts):
            raise ShapeMismatch(
                f"published heads are for {', '.join(names)}, the experts are {', '.join(experts)}",
                hint="give the experts the names of the heads",
            )
        layers = dict(zip(experts, layers.values(), strict=True))
    folded = [_folded(name, layers[name]) for name in experts]
    shapes = [[tuple(weight.shape) for weight, _ in head] for head in folded]
    if any(shape != shapes[0] for shape in shapes):
        raise ShapeMismatch(f"published heads differ in shape: {shapes}", hint="they cannot be of one file")
    (first, inward), (second, _), _ = shapes[0]
    made = ExpertHeads(experts, inward, hidden_dims=(first, second), norm=False)
    with torch.no_grad():
        for expert, head in enumerate(folded):
            for number, (weight, bias) in enumerate(head):
                made.weights[number][expert].copy_(weight)
                made.biases[number][expert].copy_(bias)
    return made


def _folded(name: str, parts: Mapping[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of the three layers, BatchNorm folded in."""
    found = []
    for number in _LINEAR:
        weight, bias = _part(name, parts, number, "weight"), _part(name, parts, number, "bias")
        if number in _NORM:
            at = _NORM[number]
            gain = (
                _part(name, parts, at, "weight") / (_part(name, parts, at, "running_var") + _EPSILON).sqrt()
            )
            bias = (bias - _part(name, parts, at, "running_mean")) * gain + _part(name, parts, at, "bias")
            weight = weight * gain[:, None]
        found.append((weight, bias))
    return found


def _part(name: str, parts: Mapping[str, Tensor], number: int, leaf: str) -> Tensor:
    key = f"{number}.{leaf}"
    if key not in parts:
        raise ShapeMismatch(
            f"published head {name!r} has no {key}",
            hint="it must be Linear, BatchNorm, ReLU, dropout, twice, Linear",
        )
    return parts[key].float()
