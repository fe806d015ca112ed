"""A pair of texts to one number: encoder, first token, two linear layers; in both layouts that were published."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mendgraph.core.registry import Registry
from mendgraph.errors import ConfigError, ShapeMismatch

__all__ = ["ACTIVATIONS", "LAYOUTS", "NESTED", "CrossScorer", "Layout", "layout_of", "unwrapped"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a checkpoint names its parts, and what its head is made of where nobody says otherwise."""

    name: str
    encoder: str
    first: str
    second: str
    width: int
    activation: str
    dropout: float

    @property
    def paths(self) -> tuple[str, str, str]:
        return self.encoder, self.first, self.second

    @property
    def head(self) -> tuple[str, ...]:
        return tuple(f"{layer}.{part}" for layer in (self.first, self.second) for part in ("weight", "bias"))


LAYOUTS: Registry[Layout] = Registry("checkpoint layout")
LAYOUTS.register("cross_encoder")(Layout("cross_encoder", "cross_encoder", "l1", "l2", 512, "elu", 0.0))
LAYOUTS.register("roberta")(Layout("roberta", "roberta", "mlp_head.fc1", "mlp_head.fc2", 256, "relu", 0.1))

ACTIVATIONS: Registry[type[nn.Module]] = Registry("activation")
for _name, _kind in (("elu", nn.ELU), ("relu", nn.ReLU), ("gelu", nn.GELU), ("tanh", nn.Tanh)):
    ACTIVATIONS.register(_name)(_kind)

NESTED = "model_state_dict"
"""Where training checkpoints keep the weights, beside the optimizer's state."""

_UNUSED = ("embeddings.position_ids", "embeddings.token_type_ids", "pooler.dense.weight", "pooler.dense.bias")
"""Of an encoder: numbers that older versions of transformers saved, and a pooler that the first token bypasses."""

_SHOWN = 5


class CrossScorer(nn.Module):
    """Token ids of pairs in, logits out; the sigmoid of a logit is the score.

    The names of its parameters are those of its layout, so that ``state_dict()`` is a checkpoint of that layout.

    Args:
        encoder: called with ids and mask, gives ``last_hidden_state`` (B, T, `hidden_size`).
        width, activation, dropout: of the head; None leaves each to the layout, and the width to the checkpoint.
    """

    layout: Layout
    _built: int

    def __init__(
        self,
        encoder: nn.Module,
        hidden_size: int,
        *,
        layout: str = "cross_encoder",
        width: int | None = None,
        activation: str | None = None,
        dropout: float | None = None,
    ) -> None:
        super().__init__()
        if width is not None and width < 1:
            raise ConfigError(f"head width: expected at least 1, got {width}")
        if dropout is not None and not 0.0 <= dropout < 1.0:
            raise ConfigError(f"head dropout: expected a number in [0, 1), got {dropout}")
        self.hidden_size = hidden_size
        self._width, self._activation, self._dropout = width, activation, dropout
        self._arrange(encoder, LAYOUTS[layout], width or LAYOUTS[layout].width)

    @property
    def encoder(self) -> nn.Module:
        return self.get_submodule(self.layout.encoder)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """(B, T) each -> (B,) logits."""
        extra = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **extra).last_hidden_state
        inner = self.get_submodule(self.layout.first)(states[:, 0])  # (B, width)
        logits: Tensor = self.get_submodule(self.layout.second)(self.between(inner))
        return logits.squeeze(-1)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Take the weights of a checkpoint in either layout, bare or under ``model_state_dict``; all or nothing.

        The layout is read from the keys, and the head takes its shape.

        Raises:
            ShapeMismatch: keys are missing, unexpected or of another shape; all three are listed.
            ConfigError: `strict` is False.
        """
        if not strict:
            raise ConfigError(
                "strict=False would leave random weights where the checkpoint has none",
                hint="load strictly; the error lists what does not fit",
            )
        state, _ = unwrapped(state_dict)
        layout = layout_of(state)
        state = {key: part for key, part in state.items() if not _unused(key, layout)}
        width = self._width or _width(state, layout)
        _refuse_misfits(state, self._shapes(layout, width), layout)
        self._arrange(self.encoder, layout, width)
        return super().load_state_dict(state, strict=True, assign=assign)

    def _shapes(self, layout: Layout, width: int) -> dict[str, tuple[int, ...]]:
        """What a checkpoint of this layout has to hold, buffers of the encoder included."""
        own = {f"{layout.encoder}.{key}": tuple(p.shape) for key, p in self.encoder.state_dict().items()}
        head = ((width, self.hidden_size), (width,), (1, width), (1,))
        return own | dict(zip(layout.head, head, strict=True))

    def _arrange(self, encoder: nn.Module, layout: Layout, width: int) -> None:
        """Put the encoder and a head with fresh weights where the layout has them.

        Nothing is replaced that is already there, so that a second checkpoint of the same shape costs nothing.
        """
        if getattr(self, "layout", None) == layout and self._built == width:
            return
        if hasattr(self, "layout"):
            for part in {path.partition(".")[0] for path in self.layout.paths}:
                delattr(self, part)
        like = next(encoder.parameters())
        with torch.random.fork_rng(devices=[]):
            first, second = nn.Linear(self.hidden_size, width), nn.Linear(width, 1)
        _place(self, layout.encoder, encoder)
        for path, layer in ((layout.first, first), (layout.second, second)):
            _place(self, path, layer.to(like).train(self.training).requires_grad_(like.requires_grad))
        drop = layout.dropout if self._dropout is None else self._dropout
        self.between = nn.Sequential(
            ACTIVATIONS[self._activation or layout.activation](), nn.Dropout(drop)
        ).train(self.training)
        self.layout, self._built = layout, width


def unwrapped(content: Mapping[str, Any], under: str = NESTED) -> tuple[dict[str, Any], str]:
    """The weights of a checkpoint, and the key they lay under, `under` or "" when they were not nested.

    The prefix ``module.`` of models that were trained on several devices is taken off.
    """
    nested = content.get(under)
    state = dict(nested) if isinstance(nested, Mapping) else dict(content)
    if state and all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): part for key, part in state.items()}
    return state, under if isinstance(nested, Mapping) else ""


def layout_of(keys: Collection[str]) -> Layout:
    """The layout that these keys are of, judged by the names of encoder and head.

    Raises:
        ShapeMismatch: of none.
    """
    for name in LAYOUTS:
        layout = LAYOUTS[name]
        encoder = any(key.startswith(f"{layout.encoder}.") for key in keys)
        if encoder or any(key in keys for key in layout.head):
            return layout
    wanted = " or ".join(", ".join(f"{path}.*" for path in LAYOUTS[name].paths) for name in LAYOUTS)
    raise ShapeMismatch(
        f"the checkpoint has keys of no known layout, but {_some(sorted(keys))}", hint=f"expected {wanted}"
    )


def _place(root: nn.Module, path: str, module: nn.Module) -> None:
    """Register `module` under a dotted path, making the modules on the way."""
    *way, leaf = path.split(".")
    for step in way:
        if step not in root._modules:
            root.add_module(step, nn.Module())
        root = root.get_submodule(step)
    root.add_module(leaf, module)


def _width(state: Mapping[str, Any], layout: Layout) -> int:
    """Of the head in the checkpoint; the layout's own where the checkpoint has none, which is then refused."""
    weight = state.get(f"{layout.first}.weight")
    return int(weight.shape[0]) if isinstance(weight, Tensor) and weight.dim() == 2 else layout.width


def _unused(key: str, layout: Layout) -> bool:
    return key.startswith(f"{layout.encoder}.") and key.removeprefix(f"{layout.encoder}.") in _UNUSED


def _refuse_misfits(found: Mapping[str, Any], wanted: Mapping[str, tuple[int, ...]], layout: Layout) -> None:
    missing, unexpected = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    misshapen = [
        f"{key} {_shape(found[key])} for {wanted[key]}"
        for key in sorted(wanted.keys() & found.keys())
        if _shape(found[key]) != wanted[key]
    ]
    if missing or unexpected or misshapen:
        raise ShapeMismatch(
            f"checkpoint of layout {layout.name!r}: missing {_some(missing)}; unexpected {_some(unexpected)}; "
            f"wrong shape {_some(misshapen)}",
            hint="give the encoder and the head width it was trained with; `mend inspect` lists what it holds",
        )


def _shape(value: Any) -> tuple[int, ...] | str:
    return tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more if names else "none"
