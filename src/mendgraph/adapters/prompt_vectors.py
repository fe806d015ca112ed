"""What a router reads of a prompt: pooled states of the encoder's layers, and the features beside them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from mendgraph.adapters.backbone import Backbone
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.forward import run_batches
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.core.prompt_features import FEATURES, prompt_features
from mendgraph.core.routing_baselines import gram_vectors
from mendgraph.errors import ArtifactError, ConfigError, ShapeMismatch
from mendgraph.modules.lora import use_adapter
from mendgraph.modules.pooling import pool

__all__ = ["PromptInputs", "PromptVectors", "layer_states", "with_weights"]


@dataclass(frozen=True, slots=True)
class PromptInputs:
    """Settings of the vectors that a head was trained on.

    Attributes:
        layers: whose pooled states are read, side by side; -1 is the last, 0 the input.
        spread_layers: whose states' standard deviation over tokens stands beside them.
        grams: width of the hashed n-grams, see `gram_vectors`; 0 for none.
        features: names out of `FEATURES`.
    """

    pooling: str = "mean"
    layers: tuple[int, ...] = (-1,)
    spread_layers: tuple[int, ...] = ()
    grams: int = 0
    features: tuple[str, ...] = FEATURES
    max_length: int = 256

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PromptInputs:
        """Of a manifest's settings.

        Raises:
            ArtifactError: a setting is missing, or a feature is unknown here.
        """
        with renamed("read a router's settings", loading=True):
            found = cls(
                str(data["pooling"]),
                tuple(map(int, data["layers"])),
                tuple(map(int, data["spread_layers"])),
                int(data["grams"]),
                tuple(map(str, data["features"])),
                int(data["max_length"]),
            )
        unknown = [name for name in found.features if name not in FEATURES]
        if unknown:
            raise ArtifactError(
                f"the router reads the prompt feature {unknown[0]!r}, which this version does not have",
                hint="train it again: mend train prompt_routing",
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "pooling": self.pooling,
            "layers": list(self.layers),
            "spread_layers": list(self.spread_layers),
            "grams": self.grams,
            "features": list(self.features),
            "max_length": self.max_length,
        }

    def beside(self, prompts: Sequence[str]) -> Tensor:
        """(N, grams + F) float32: what stands beside the encoder's states, n-grams before features."""
        parts = [torch.zeros(len(prompts), 0)]
        if self.grams:
            parts.append(torch.from_numpy(gram_vectors(prompts, self.grams)).float())
        if self.features:
            columns = [FEATURES.index(name) for name in self.features]
            parts.append(torch.from_numpy(prompt_features(prompts)[:, columns]).float())
        return torch.cat(parts, dim=1)

    @property
    def blocks(self) -> tuple[int, int]:
        """How many of the last columns are n-grams, and features after them."""
        return self.grams, len(self.features)


class PromptVectors:
    """Prompts to vectors, equal prompts once.  Safe across threads."""

    def __init__(self, encoder: SharedEncoder, inputs: PromptInputs, adapter: str | None = None) -> None:
        self.encoder, self.inputs, self.adapter = encoder, inputs, adapter
        depth = getattr(encoder.backbone.model.config, "num_hidden_layers", 1)
        wanted = [*inputs.layers, *inputs.spread_layers]
        if not all(-depth - 1 <= layer <= depth for layer in wanted):
            raise ConfigError(f"layers: {wanted} are not all among the encoder's {depth} layers")
        per_layer = pool(inputs.pooling, torch.zeros(1, 1, encoder.hidden_size), None).shape[1]
        spread = encoder.hidden_size * len(inputs.spread_layers)
        self.width = per_layer * len(inputs.layers) + spread + sum(inputs.blocks)

    def of(self, prompts: Sequence[str]) -> Tensor:
        """(N, `width`) float32, in order."""
        if not prompts:
            return torch.empty(0, self.width)
        places: dict[str, int] = {}
        order = [places.setdefault(prompt, len(places)) for prompt in prompts]
        different = list(places)
        vectors = torch.cat([self.states(different), self.inputs.beside(different)], dim=1)
        return vectors if len(different) == len(order) else vectors[order]

    def states(self, prompts: Sequence[str]) -> Tensor:
        """(N, W) float32: the encoder's part alone."""
        backbone, inputs = self.encoder.backbone, self.inputs

        def forward(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
            del types  # single texts: all zero, the models' own default
            return layer_states(
                backbone.model, ids, mask, inputs.layers, inputs.pooling, inputs.spread_layers
            )

        with use_adapter(self.adapter):
            return run_batches(
                backbone.tokenizer.texts(prompts, min(inputs.max_length, backbone.positions)),
                forward,
                limits=self.encoder.limits,
                working=self.encoder.working,
                pad_id=backbone.tokenizer.pad_id,
                device=backbone.device,
            )


def layer_states(
    model: Any,
    ids: Tensor,
    mask: Tensor | None,
    layers: Sequence[int],
    pooling: str,
    spread_layers: Sequence[int] = (),
    **extra: Tensor,
) -> Tensor:
    """(B, T) ids -> (B, W), pooled states of the layers side by side; `extra` goes to the model."""
    if tuple(layers) == (-1,) and not spread_layers:
        return pool(pooling, model(input_ids=ids, attention_mask=mask, **extra).last_hidden_state, mask)
    states = model(input_ids=ids, attention_mask=mask, output_hidden_states=True, **extra).hidden_states
    parts = [pool(pooling, states[layer], mask) for layer in layers]
    return torch.cat([*parts, *(pool("std", states[layer], mask) for layer in spread_layers)], dim=1)


def with_weights(encoder: SharedEncoder, changed: Mapping[str, Tensor], fingerprint: str) -> SharedEncoder:
    """An encoder of its own in which these parameters are other ones; the shared one stays as it is.

    Raises:
        ShapeMismatch: a name or a shape that the encoder does not have.
    """
    shared = encoder.backbone
    with shared.lock:
        model = copy.deepcopy(shared.model)
    own = dict(model.named_parameters())
    wrong = [name for name, part in changed.items() if name not in own or own[name].shape != part.shape]
    if wrong:
        raise ShapeMismatch(
            f"{len(wrong)} tuned weights do not fit the encoder: {', '.join(sorted(wrong)[:3])}",
            hint="configure the encoder that the router was trained on",
        )
    with torch.no_grad():
        for name, part in changed.items():
            own[name].copy_(part)
    backbone = Backbone(
        model,
        shared.tokenizer,
        shared.device,
        sha256_of_json({"base": shared.sha256, "tuned": fingerprint}),
        shared.hidden_size,
        shared.positions,
    )
    return replace(encoder, backbone=backbone)
