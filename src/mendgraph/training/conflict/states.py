"""Pooled hidden states of claim sets, after every layer that a reader can stop at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mendgraph.adapters.reader.midway import left_padded
from mendgraph.adapters.reader.reader import Reader
from mendgraph.modules.conflict_features import FEATURES, features_of, pool_prompt
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.reader_answers import batches

__all__ = ["States", "read_states"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class States:
    """
    Attributes:
        features: (N, L, F, H) sets, layers, `FEATURES` in their order, hidden size.
        conflict: (N,) bool.
        levels: of each set.
    """

    features: Tensor
    conflict: Tensor
    levels: tuple[str, ...]

    def of(self, layer: int, names: Sequence[str]) -> Tensor:
        """(N, len(names) H) as `features_of` gives them."""
        order = list(FEATURES)
        return self.features[:, layer, [order.index(name) for name in names]].flatten(1)


def read_states(
    reader: Reader, sets: Sequence[ClaimSet], progress: Progress = lambda done, total: None
) -> States:
    layers, hidden = reader.layers.count - 1, reader.hidden_size
    found = torch.zeros(len(sets), layers, len(FEATURES), hidden)
    done = 0
    for numbers in batches(reader, sets):
        prompts = tuple(
            reader.prompt(sets[number].question, [document.text for document in sets[number].documents])
            for number in numbers
        )
        seen = left_padded(prompts, reader.codec.pad_id, reader.layers.device)
        with torch.inference_mode():
            for layer, states in enumerate(reader.layers.every(seen)):
                for row, (number, prompt) in enumerate(zip(numbers, prompts, strict=True)):
                    pooled = pool_prompt(states[row, -len(prompt.ids) :].cpu(), prompt.spans)
                    found[number, layer] = features_of(pooled, list(FEATURES)).unflatten(0, (-1, hidden))
        done += len(numbers)
        progress(done, len(sets))
    return States(
        found.clone(),
        torch.tensor([claims.conflict for claims in sets]),
        tuple(claims.level for claims in sets),
    )
