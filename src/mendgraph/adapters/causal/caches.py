"""Keys and values of several experts over one batch: allocated ahead, written in place, cropped by moving a number.

transformers' own cache is concatenated anew at every token, holds one length for all rows and cannot leave an expert
behind.  This one is an array (experts x rows, heads, tokens, width) per layer; each expert has its own length, and a
forward pass sees a view of the experts it is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from mendgraph.errors import ArtifactError

__all__ = ["ExpertCache", "require_rollback", "state_bytes"]

_GROWTH = 2  # capacity doubles, so that a token costs a constant number of copies on average
_LEAST = 32  # tokens


def require_rollback(config: PreTrainedConfig, where: str) -> int:
    """Number of attention layers.

    Raises:
        ArtifactError: a layer keeps something else than keys and values, which cannot be cropped.
    """
    layers = DynamicCache(config=config).layers
    odd = {
        type(layer).__name__
        for layer in layers
        if type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer)
    }
    if odd:
        raise ArtifactError(
            f"{where} has layers that cannot be rolled back ({', '.join(sorted(odd))})",
            hint="use a model whose layers are all attention",
        )
    return len(layers)


class _Layer(DynamicLayer):
    """One layer's keys and values of all experts, as the model's attention wants to see them.

    Sliding windows are kept whole: their masks hide what is out of reach.
    """

    def __init__(self, owner: ExpertCache) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.owner = owner
        self.store: tuple[Tensor, Tensor] | None = None  # each (S B, heads, capacity, width)
        self.is_initialized = True

    def get_seq_length(self) -> int:
        return self.owner.start

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.owner.start + query_length, 0

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        start, end = self.owner.start, self.owner.start + key_states.shape[-2]
        if self.store is None:
            self.store = self.owner.empty(key_states), self.owner.empty(value_states)
        keys, values = self.store
        part = self.owner.part
        if isinstance(part, slice):  # views
            keys, values = keys[part], values[part]
            keys[:, :, start:end], values[:, :, start:end] = key_states, value_states
            return keys[:, :, :end], values[:, :, :end]
        keys[part, :, start:end], values[part, :, start:end] = key_states, value_states
        return keys[part, :, :end], values[part, :, :end]

    def resized(self, slots: int, rows: int, kept: Tensor | None, capacity: int) -> None:
        """Room for `slots` experts and `capacity` tokens; of the `rows` there were only `kept`, where given."""
        if self.store is None:
            return
        made = []
        for stored in self.store:
            old = stored.unflatten(0, (-1, rows))
            old = old if kept is None else old.index_select(1, kept)
            new = old.new_empty(slots, old.shape[1], old.shape[2], capacity, old.shape[4])
            used = min(capacity, old.shape[3])
            new[: old.shape[0], :, :, :used] = old[:, :, :, :used]
            made.append(new.flatten(0, 1))
        self.store = made[0], made[1]


class ExpertCache:
    """What the experts of one model have read of one batch.

    Attributes:
        lengths: expert -> tokens read.
        part, start: rows of the storage for the pass under way, and tokens that its experts have read.

    Args:
        layers: number of attention layers of the model.
        rows: of the batch.
        room: tokens to make room for at first; it grows when they are not enough.
    """

    def __init__(self, layers: int, rows: int, room: int) -> None:
        self.rows, self.capacity = rows, max(room, _LEAST)
        self.lengths: dict[int, int] = {}
        self._slot: dict[int, int] = {}
        self.part: slice | list[int] = slice(0, 0)
        self.start = 0
        self._layers = [_Layer(self) for _ in range(layers)]
        self._cache = Cache(layers=list(self._layers))

    def empty(self, like: Tensor) -> Tensor:
        """Storage for states (K B, heads, q, width)."""
        return like.new_empty(len(self._slot) * self.rows, like.shape[1], self.capacity, like.shape[3])

    def open(self, chosen: Sequence[int], new: int) -> Cache:
        """For a forward pass of these experts over `new` tokens; they must have read equally many before.

        The pass counts when `close` is called; until then it can be repeated.
        """
        strangers = [expert for expert in chosen if expert not in self._slot]
        self.start = self.lengths.get(chosen[0], 0)
        if strangers:
            self._slot |= {expert: len(self._slot) + n for n, expert in enumerate(strangers)}
            self.lengths |= dict.fromkeys(strangers, 0)
        capacity = self.capacity
        while capacity < self.start + new:
            capacity *= _GROWTH
        if strangers or capacity > self.capacity:
            self._resize(None, capacity)
        taken = [self._slot[expert] for expert in chosen]
        if taken == [*range(taken[0], taken[0] + len(taken))]:
            self.part = slice(taken[0] * self.rows, (taken[-1] + 1) * self.rows)
        else:
            self.part = [slot * self.rows + row for slot in taken for row in range(self.rows)]
        return self._cache

    def close(self, chosen: Sequence[int], new: int) -> None:
        """These experts have read `new` tokens more."""
        for expert in chosen:
            self.lengths[expert] = self.start + new

    def crop(self, width: int) -> None:
        """Forget what comes after the first `width` tokens."""
        self.lengths = {expert: min(length, width) for expert, length in self.lengths.items()}

    def select(self, kept: Tensor) -> None:
        """Keep these rows only."""
        self._resize(kept, self.capacity)
        self.rows = len(kept)

    @property
    def bytes(self) -> int:
        """Memory allocated: 2 x layers x experts x rows x heads x capacity x width x bytes per number."""
        stores = [layer.store for layer in self._layers if layer.store is not None]
        return sum(part.numel() * part.element_size() for store in stores for part in store)

    def _resize(self, kept: Tensor | None, capacity: int) -> None:
        self.capacity = capacity
        for layer in self._layers:
            layer.resized(len(self._slot), self.rows, kept, capacity)


def state_bytes(config: PreTrainedConfig, dtype: torch.dtype) -> int:
    """Bytes of keys and values of one token, for one expert."""
    text = config.get_text_config(decoder=True)
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return int(2 * text.num_hidden_layers * heads * width * dtype.itemsize)
