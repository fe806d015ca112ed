"""Several LoRA adapters over one base in one forward pass: the base multiplies all rows at once, each adapter its own.

Rows come expert by expert: with K experts chosen, the first of K equal parts of the batch belongs to the first of
them.  Per layer that is one matrix product and two batched ones (Hu et al. 2021, eq. 3, for every expert at once);
PEFT's mixed batches multiply adapter by adapter instead.

The choice lives in a `ContextVar`, so that threads and tasks do not see each other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.errors import ArtifactError
from mendgraph.modules.peft_format import LowRank, read_lora
from mendgraph.modules.skinny import is_skinny, skinny_linear

__all__ = ["Lora", "StackedLinear", "stack", "use_experts"]

_chosen: ContextVar[tuple[int, ...]] = ContextVar("mendgraph_experts", default=())


@contextmanager
def use_experts(chosen: tuple[int, ...]) -> Iterator[None]:
    """Run the model calls inside with these experts, in this order; () means the bare base for all rows."""
    token = _chosen.set(chosen)
    try:
        yield
    finally:
        _chosen.reset(token)


@dataclass(frozen=True, slots=True)
class Lora:
    """One adapter as PEFT saves it: tensors by name, and ``adapter_config.json``."""

    state: Mapping[str, Tensor]
    config: Mapping[str, Any]


class StackedLinear(nn.Linear):
    """A linear layer that shares its base's parameters (and state-dict keys) and holds M adapters.

    Args:
        deltas: one per expert; None adds nothing to the base.  Smaller ranks are filled up with zeros.
    """

    def __init__(self, base: nn.Linear, deltas: Sequence[LowRank | None]) -> None:
        nn.Module.__init__(self)  # not nn.Linear's, which would allocate a second weight
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        self.train(base.training)
        rank = max((low.down.shape[0] for low in deltas if low is not None), default=1)
        down = torch.zeros(len(deltas), rank, self.in_features)
        up = torch.zeros(len(deltas), self.out_features, rank)
        for expert, low in enumerate(deltas):
            if low is not None:
                own = low.down.shape[0]
                down[expert, :own] = low.down.float()
                up[expert, :, :own] = low.up.float() * low.scale
        self.down, self.up = down.to(self.weight), up.to(self.weight)  # A (M, r, in), s B (M, out, r)
        self.bare = frozenset(expert for expert, low in enumerate(deltas) if low is None)
        self._views: dict[tuple[int, ...], tuple[Tensor, Tensor] | None] = {}

    def forward(self, input: Tensor) -> Tensor:
        chosen = _chosen.get()
        factors = self._views[chosen] if chosen in self._views else self._view(chosen)
        if factors is None:
            return F.linear(input, self.weight, self.bias)
        down, up = factors  # (K, in, r), (K, r, out)
        rows = input.reshape(-1, self.in_features)
        if len(chosen) == 1:
            out = torch.addmm(F.linear(rows, self.weight, self.bias), torch.mm(rows, down[0]), up[0])
            return out.view(*input.shape[:-1], self.out_features)
        multiply = skinny_linear if is_skinny(len(rows), self.weight) else F.linear
        base = multiply(rows, self.weight, self.bias).unflatten(0, (len(chosen), -1))  # (K, B T, out)
        inner = torch.bmm(rows.view(len(chosen), -1, self.in_features), down)
        return torch.baddbmm(base, inner, up).reshape(*input.shape[:-1], self.out_features)

    def _view(self, chosen: tuple[int, ...]) -> tuple[Tensor, Tensor] | None:
        """A^T and s B^T of these experts; None where all of them are the bare base."""
        found = None
        if not self.bare.issuperset(chosen):
            start, stop = chosen[0], chosen[-1] + 1
            rows = slice(start, stop) if chosen == tuple(range(start, stop)) else list(chosen)
            with torch.inference_mode(False):  # they are kept, for callers in any mode
                found = self.down[rows].mT, self.up[rows].mT
        self._views[chosen] = found
        return found

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> StackedLinear:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.down, self.up, self._views = fn(self.down), fn(self.up), {}
        return self


def stack(model: nn.Module, adapters: Sequence[Lora | None]) -> None:
    """Give `model` these adapters as experts 0 to M-1; None is the base itself as an expert.

    All or nothing: everything is checked against the model before a layer changes.

    Raises:
        ShapeMismatch: keys missing, keys left over, or shapes that do not fit, all listed.
        ArtifactError: an adapter is not plain LoRA, or adapts the embedding table.
    """
    found = [None if one is None else read_lora(model, one.state, one.config) for one in adapters]
    for path in dict.fromkeys(path for layers in found if layers for path in layers):
        base = model.get_submodule(path)
        if not isinstance(base, nn.Linear) or isinstance(base, StackedLinear):
            raise ArtifactError(
                f"adapter changes {path!r}, a {type(base).__name__}; only plain linear layers can be stacked",
                hint="merge it into its base model with PEFT and load the result as a model of its own",
            )
    for path in dict.fromkeys(path for layers in found if layers for path in layers):
        parent, _, leaf = path.rpartition(".")
        base = model.get_submodule(path)
        assert isinstance(base, nn.Linear)
        layer = StackedLinear(base, [None if layers is None else layers.get(path) for layers in found])
        setattr(model.get_submodule(parent), leaf, layer)
