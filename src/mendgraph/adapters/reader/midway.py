"""A batch of prompts on its way through the model: stopped at a layer, or ready to write."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from mendgraph.adapters.reader.layers import Seen
from mendgraph.adapters.reader.prompt import Prompt

__all__ = ["Midway", "Ready"]


@dataclass(frozen=True, slots=True)
class Midway:
    """Prompts read up to layer `border`.

    Attributes:
        states: (B, T, H) output of that layer, padding on the left.
        below: keys and values of the layers up to it.
    """

    prompts: tuple[Prompt, ...]
    seen: Seen
    border: int
    states: Tensor
    below: DynamicCache

    def own(self, row: int) -> Tensor:
        """(T of this row, H) without padding."""
        return self.states[row, -len(self.prompts[row].ids) :]


@dataclass(frozen=True, slots=True)
class Ready:
    """Rows that were read to their ends, with what a decoder needs to go on.

    Keys and values may be shared with other rows: passes append to copies, and never write into a tensor.

    Attributes:
        states: (B, H) from which the next token is predicted.
        mask: (B, T); 0 where padded.
        lengths: (B,) tokens of each row, without padding.
    """

    states: Tensor
    mask: Tensor
    lengths: Tensor
    cache: DynamicCache

    def taken(self, rows: Tensor) -> Ready:
        """These rows, in this order, as often as they are named."""
        cache = own_cache(self.cache)
        cache.batch_select_indices(rows)
        return Ready(self.states[rows], self.mask[rows], self.lengths[rows], cache)

    def without(self, tokens: int) -> Ready:
        """Before the last `tokens` were read.  Its states are still those after them: read something first."""
        cache = own_cache(self.cache)
        cache.crop(-tokens)
        mask = self.mask[:, : self.mask.shape[1] - tokens]
        return Ready(self.states, mask, self.lengths - tokens, cache)


def own_cache(cache: DynamicCache) -> DynamicCache:
    """One that can be appended to while `cache` stays as it is."""
    made = copy(cache)
    made.layers = [copy(layer) for layer in cache.layers]
    return made


def left_padded(prompts: tuple[Prompt, ...], pad_id: int, device: torch.device) -> Seen:
    width = max(len(prompt.ids) for prompt in prompts)
    gaps = torch.tensor([width - len(prompt.ids) for prompt in prompts])[:, None]
    columns = torch.arange(width)[None]
    ids = torch.full((len(prompts), width), pad_id)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt.ids) :] = torch.tensor(prompt.ids)
    mask, places = (columns >= gaps).long(), (columns - gaps).clamp(min=0)
    return Seen(ids.to(device), mask.to(device), places.to(device))
