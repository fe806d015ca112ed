"""What a conflict detector looks at: one vector from the states of a prompt and its documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mendgraph.errors import UnknownNameError

__all__ = ["FEATURES", "Pooled", "features_of", "pool_prompt"]


@dataclass(frozen=True, slots=True)
class Pooled:
    """One prompt's states after a layer, in float32.

    Attributes:
        documents: (D, H) mean over each document's own tokens, documents that were left out not among them.
        prompt: (H,) mean over all tokens of the prompt.
        last: (H,) state of the last one, from which the answer is predicted.
    """

    documents: Tensor
    prompt: Tensor
    last: Tensor


def pool_prompt(states: Tensor, spans: Sequence[tuple[int, int]]) -> Pooled:
    """Means over (T, H) without padding; padding and other rows never count."""
    states = states.float()
    kept = [(first, last) for first, last in spans if first < last]
    inside = states.new_zeros(len(kept), len(states))
    for row, (first, last) in enumerate(kept):
        inside[row, first:last] = 1 / (last - first)
    return Pooled(inside @ states, states.mean(0), states[-1])


def _pairs(pooled: Pooled) -> Tensor:
    """(P, H) |u - v| of every two documents; one row of zeros where there are not two."""
    documents = pooled.documents
    first, second = torch.triu_indices(len(documents), len(documents), 1, device=documents.device)
    if not len(first):
        return torch.zeros_like(pooled.prompt)[None]
    return (documents[first] - documents[second]).abs()


FEATURES: dict[str, Callable[[Pooled], Tensor]] = {
    "prompt": lambda pooled: pooled.prompt,
    "last": lambda pooled: pooled.last,
    "mean_difference": lambda pooled: _pairs(pooled).mean(0),
    "largest_difference": lambda pooled: _pairs(pooled).amax(0),
}
"""Name -> (H,); none depends on the order in which documents are compared."""


def features_of(pooled: Pooled, names: Sequence[str]) -> Tensor:
    """(len(names) H,).

    Raises:
        UnknownNameError: no such feature.
    """
    for name in names:
        if name not in FEATURES:
            raise UnknownNameError("feature", name, FEATURES)
    return torch.cat([FEATURES[name](pooled) for name in names])
