"""A causal language model that can stop after one of its layers, and go on from states given for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedModel

from mendgraph.adapters.causal.host import Host
from mendgraph.adapters.foreign import renamed
from mendgraph.errors import ArtifactError, ConfigError

__all__ = ["Layers", "Seen"]

_PROBE = 2  # tokens
_TOLERANCE = 1e-3


@dataclass(slots=True)
class _Pass:
    """Which layers a forward pass computes, and what it gives to, and takes from, the border between them.

    Attributes:
        border: layer whose output is given or taken, counted from 0.
        lower: layers up to the border compute; else those after it.
        states: (B, T, H) output of the border.
    """

    border: int
    lower: bool
    states: Tensor | None = None


_current: ContextVar[_Pass | None] = ContextVar("reader_pass", default=None)


@dataclass(frozen=True, slots=True)
class Seen:
    """Tokens as the model places them, padding on the left.

    Attributes:
        ids: (B, T).
        mask: (B, T); 0 where padded.
        places: (B, T) positions, 0 where padded.
    """

    ids: Tensor
    mask: Tensor
    places: Tensor


class Layers:
    """Wraps `model`, whose layers skip themselves where a pass leaves them out.  The model's results stay the same.

    The output of layer k is the residual stream that layer k+1 reads.  `lower` computes it; `upper` finishes the pass
    from it, or from other states in its place, as a forward hook on layer k would make it do, without computing the
    layers below again.

    Attributes:
        count: number of layers.
        hidden_size: H.
        context: longest text in tokens.
        end_ids: tokens that end a text, by the model's generation configuration.

    Raises:
        ArtifactError: its layers cannot be found, or keep something else than keys and values.
    """

    def __init__(self, model: PreTrainedModel, where: str = "") -> None:
        where = where or type(model).__name__
        self._host = host = Host.of(model, where=where)
        self._config = model.config
        self.count = host.layers
        self.hidden_size = host.hidden_size
        self.context = host.positions
        self.end_ids = host.end_ids
        self.device = host.device
        for number, layer in enumerate(_layers_of(host.decoder, self.count, where)):
            _make_skippable(layer, number)
        if self.count > 1:
            self._check(where)

    def lower(self, seen: Seen, border: int, *, cache: DynamicCache | None = None) -> Tensor:
        """(B, T, H) after layer `border`, counted from 0; `cache` gets keys and values of the layers up to it."""
        self.require(border)
        with _passing(_Pass(border, lower=True)) as passed:
            self._run(seen, cache)
        assert passed.states is not None
        return passed.states

    def upper(self, states: Tensor, seen: Seen, border: int, *, cache: DynamicCache | None = None) -> Tensor:
        """(B, T, H) that the output matrix reads, from `states` (B, T, H) in place of layer `border`'s output."""
        self.require(border)
        with _passing(_Pass(border, lower=False, states=states)):
            return self._run(seen, cache)

    def whole(self, seen: Seen, *, cache: DynamicCache | None = None, mask: Tensor | None = None) -> Tensor:
        """(B, T, H) that the output matrix reads.

        Args:
            mask: (B, S) of all tokens, those in `cache` included; None takes that of `seen`.
        """
        return self._run(seen, cache, mask)

    def every(self, seen: Seen) -> list[Tensor]:
        """(B, T, H) after each layer that a pass can stop at, in one pass."""
        more: dict[str, Any] = {"position_ids": seen.places} if self._host.takes_positions else {}
        with renamed(f"run {len(seen.ids)} rows of {seen.ids.shape[1]} tokens"):
            found = self._host.decoder(
                input_ids=seen.ids,
                attention_mask=seen.mask,
                use_cache=False,
                output_hidden_states=True,
                **more,
            ).hidden_states
        return list(found[1:-1])  # the first are embeddings, the last are normalised

    def logits(self, states: Tensor) -> Tensor:
        """(..., H) -> (..., V)."""
        return self._host.logits(states)

    def new_cache(self) -> DynamicCache:
        return DynamicCache(config=self._config)

    def join(self, below: DynamicCache, above: DynamicCache, border: int) -> DynamicCache:
        """Layers up to `border` of one and those after it of the other, as one pass would have left them."""
        joined = self.new_cache()
        joined.layers = [*below.layers[: border + 1], *above.layers[border + 1 :]]
        return joined

    def require(self, border: int) -> None:
        """
        Raises:
            ConfigError: there is no layer to stop after, or none would be left to go on with.
        """
        if not 0 <= border < self.count - 1:
            raise ConfigError(
                f"layer: the model has layers 0 to {self.count - 1}, got {border}",
                hint="the last one leaves none to finish the pass with",
            )

    def _run(self, seen: Seen, cache: DynamicCache | None, mask: Tensor | None = None) -> Tensor:
        more: dict[str, Any] = {"position_ids": seen.places} if self._host.takes_positions else {}
        if cache is not None:
            more["past_key_values"] = cache
        with renamed(f"run {len(seen.ids)} rows of {seen.ids.shape[1]} tokens"):
            found: Tensor = self._host.decoder(
                input_ids=seen.ids,
                attention_mask=seen.mask if mask is None else mask,
                use_cache=cache is not None,
                **more,
            ).last_hidden_state
        return found

    def _check(self, where: str) -> None:
        """What comes out of the parts is what comes out of the whole."""
        ids = torch.arange(_PROBE, device=self.device)[None] % 2
        seen = Seen(ids, torch.ones_like(ids), torch.arange(_PROBE, device=self.device)[None])
        border = (self.count - 1) // 2
        with torch.inference_mode():
            wanted = self.whole(seen)
            found = self.upper(self.lower(seen, border), seen, border)
        if not torch.allclose(found.float(), wanted.float(), rtol=_TOLERANCE, atol=_TOLERANCE):
            raise ArtifactError(
                f"{where} cannot be cut into layers: what its parts compute is not what it computes",
                hint="use a model whose layers pass on nothing but their states",
            )


def _layers_of(decoder: nn.Module, count: int, where: str) -> nn.ModuleList:
    found = [part for part in decoder.children() if isinstance(part, nn.ModuleList) and len(part) == count]
    if len(found) != 1:
        raise ArtifactError(
            f"the layers of {where} cannot be found",
            hint="use a decoder that keeps its layers in one list, as Llama, Qwen2 and GPT-2 do",
        )
    return found[0]


def _make_skippable(layer: nn.Module, number: int) -> None:
    forward = layer.forward
    if isinstance(forward, partial):  # wrapped before
        return
    layer.forward = partial(_forward, forward, number)


def _forward(layer: Callable[..., Any], number: int, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
    passing = _current.get()
    if passing is None:
        return layer(hidden_states, *args, **kwargs)
    if (number <= passing.border) == passing.lower:
        found = layer(hidden_states, *args, **kwargs)
        if passing.lower and number == passing.border:
            passing.states = found[0] if isinstance(found, tuple) else found
        return found
    if number == passing.border and passing.states is not None:
        return passing.states
    return hidden_states


@contextmanager
def _passing(passed: _Pass) -> Iterator[_Pass]:
    token = _current.set(passed)
    try:
        yield passed
    finally:
        _current.reset(token)
