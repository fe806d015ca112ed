"""A types classifier that reads as an earlier one does."""

from __future__ import annotations

from typing import Any

import torch
from peft import set_peft_model_state_dict

from mendgraph.adapters.artifacts import open_artifact, resolve
from mendgraph.core.evidence import FEATURES
from mendgraph.errors import ConfigError
from mendgraph.training.conflict.types_model import TypesModel

__all__ = ["read_as"]

HEAD = "head.safetensors"
ADAPTER = "adapter_model.safetensors"
_FIRST = "first.weight"


def read_as(start: str, model: TypesModel) -> None:
    """Gives `model` the adapters of the artefact `start`, and the part of its head that reads.

    Features are matched by name; those that the earlier head did not know have no weight there.

    Raises:
        ArtifactError: there is no such artefact.
        ConfigError: it has another shape than the settings ask for.
    """
    artifact = open_artifact(resolve(start))
    head = {name: tensor.float() for name, tensor in artifact.tensors(HEAD).items()}
    known = list(artifact.manifest.settings["features"])
    state = model.head.state_dict()
    width = state[_FIRST].shape[1] - len(FEATURES)
    if head[_FIRST].shape != (state[_FIRST].shape[0], width + len(known)):
        raise ConfigError(
            f"start: the head of {start!r} has another width",
            hint=f"head_width {head[_FIRST].shape[0]}, on the same encoder",
        )
    wide = torch.zeros_like(state[_FIRST])
    wide[:, :width] = head[_FIRST][:, :width]
    for at, name in enumerate(known):
        if name in FEATURES:
            place = FEATURES.index(name)
            wide[:, width + place] = head[_FIRST][:, width + at]
            for part in ("mean", "scale"):
                state[part][place] = head[part][at]
    rest = {
        name: head[name]
        for name in state
        if name in head and name not in {_FIRST, "mean", "scale"} and "known" not in name
    }
    model.head.load_state_dict({**state, **rest, _FIRST: wide})
    model.head.kept = frozenset(FEATURES.index(name) for name in known if name in FEATURES)
    adapters = {name: tensor.float() for name, tensor in artifact.tensors(ADAPTER).items()}
    found: Any = set_peft_model_state_dict(model.encoder, adapters)
    if found.unexpected_keys:
        raise ConfigError(
            f"start: {start!r} has adapters that these settings have not: {found.unexpected_keys[0]}",
            hint="raise top_layers, and keep r and target_modules",
        )
