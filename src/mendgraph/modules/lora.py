"""LoRA for inference: several adapters on one copy of the weights, chosen per call.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", eq. 3: ``h = W x + s B A x``.

The choice lives in a `ContextVar`: each thread starts without an adapter, each asyncio task keeps its
own, and `asyncio.to_thread` carries it along.  A switch on the module (PEFT's `set_adapter`) answers
with the wrong adapter when two threads call at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.errors import UnknownNameError
from mendgraph.modules.peft_format import LowRank, read_lora

__all__ = ["LoraEmbedding", "LoraLinear", "adapter_names", "attach", "use_adapter"]

_active: ContextVar[str | None] = ContextVar("mendgraph_adapter", default=None)
_attaching = Lock()


@contextmanager
def use_adapter(name: str | None) -> Iterator[None]:
    """Run the model calls inside with this adapter; None means the bare base weights.

    Layers that do not hold `name` compute their base weights, so check it against `adapter_names` first.
    """
    token = _active.set(name)
    try:
        yield
    finally:
        _active.reset(token)


@dataclass(frozen=True, slots=True)
class _Delta:
    """One adapter of one layer; `merged` is W + s B A where memory was traded for speed."""

    down: Tensor  # linear: A (r, in); embedding: A transposed (num, r)
    up: Tensor  # s B transposed (r, out)
    merged: Tensor | None = None

    def map(self, fn: Callable[[Tensor], Tensor]) -> _Delta:
        return _Delta(fn(self.down), fn(self.up), None if self.merged is None else fn(self.merged))


class LoraLinear(nn.Linear):
    """A linear layer that shares its base layer's parameters (and state-dict keys) and holds adapters."""

    def __init__(self, base: nn.Linear) -> None:
        nn.Module.__init__(self)  # not nn.Linear's, which would allocate a second weight
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        self.train(base.training)
        self.adapters: dict[str, _Delta] = {}

    def add(self, name: str, low: LowRank, *, merge: bool = False) -> None:
        """Hold an adapter.  `merge` keeps one full weight more, so that using it costs nothing extra."""
        up = low.up.float() * low.scale
        merged = (
            self.weight.detach().float() + (up @ low.down.float()).to(self.weight.device) if merge else None
        )
        delta = _Delta(low.down, up.T.contiguous(), merged).map(lambda part: part.to(self.weight))
        self.adapters = {**self.adapters, name: delta}  # a new dict: forwards under way keep the old one

    def forward(self, input: Tensor) -> Tensor:
        name = _active.get()
        delta = None if name is None else self.adapters.get(name)
        if delta is None:
            return F.linear(input, self.weight, self.bias)
        if delta.merged is not None:
            return F.linear(input, delta.merged, self.bias)
        rows = input.reshape(-1, self.in_features)
        out = torch.addmm(F.linear(rows, self.weight, self.bias), F.linear(rows, delta.down), delta.up)
        return out.view(*input.shape[:-1], self.out_features)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> LoraLinear:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.adapters = {name: delta.map(fn) for name, delta in self.adapters.items()}
        return self


class LoraEmbedding(nn.Embedding):
    """An embedding that shares its base's table and holds adapters; never merged, for a table is large."""

    def __init__(self, base: nn.Embedding) -> None:
        nn.Module.__init__(self)
        self.num_embeddings, self.embedding_dim = base.num_embeddings, base.embedding_dim
        self.padding_idx, self.max_norm, self.norm_type = base.padding_idx, base.max_norm, base.norm_type
        self.scale_grad_by_freq, self.sparse = base.scale_grad_by_freq, base.sparse
        self.weight = base.weight
        self.train(base.training)
        self.adapters: dict[str, _Delta] = {}

    def add(self, name: str, low: LowRank, *, merge: bool = False) -> None:
        del merge  # two rows of r numbers looked up per token are cheaper than a second table
        up = low.up.float() * low.scale
        delta = _Delta(low.down.T.contiguous(), up.T.contiguous()).map(lambda part: part.to(self.weight))
        self.adapters = {**self.adapters, name: delta}

    def forward(self, input: Tensor) -> Tensor:
        out = super().forward(input)
        name = _active.get()
        delta = None if name is None else self.adapters.get(name)
        return out if delta is None else out + F.embedding(input, delta.down) @ delta.up

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> LoraEmbedding:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.adapters = {name: delta.map(fn) for name, delta in self.adapters.items()}
        return self


def attach(
    model: nn.Module,
    name: str,
    state: Mapping[str, Tensor],
    config: Mapping[str, Any],
    *,
    merge: bool = False,
) -> None:
    """Give `model` one more adapter, from PEFT's saved tensors and ``adapter_config.json``.

    All or nothing: everything is checked against the model before a layer changes.  Safe while other
    threads run forwards with other adapters.

    Args:
        merge: keep ``W + s B A`` per adapted linear layer; memory of those layers again (42 MB for all 36
            of MiniLM-L6 in float32), and forwards as fast as the bare model's.

    Raises:
        ShapeMismatch: keys missing, keys left over, or shapes that do not fit, all listed.
        ArtifactError: the configuration asks for a LoRA variant that is not plain LoRA.
    """
    with _attaching:
        for path, low in read_lora(model, state, config).items():
            layer = model.get_submodule(path)
            if not isinstance(layer, LoraLinear | LoraEmbedding):
                layer = (
                    LoraLinear(layer) if isinstance(layer, nn.Linear) else LoraEmbedding(_embedding(layer))
                )
                parent, _, leaf = path.rpartition(".")
                setattr(model.get_submodule(parent), leaf, layer)
            layer.add(name, low, merge=merge)


def adapter_names(model: nn.Module) -> frozenset[str]:
    """Names that `use_adapter` can choose on this model."""
    layers = (layer for layer in model.modules() if isinstance(layer, LoraLinear | LoraEmbedding))
    return frozenset(name for layer in layers for name in layer.adapters)


def require_adapter(model: nn.Module, name: str) -> None:
    """Raise `UnknownNameError` unless `model` holds this adapter."""
    known = adapter_names(model)
    if name not in known:
        raise UnknownNameError("adapter", name, known)


def _embedding(layer: nn.Module) -> nn.Embedding:
    if not isinstance(layer, nn.Embedding):
        raise TypeError(f"expected nn.Embedding, got {type(layer).__name__}")
    return layer
