"""Reads LoRA weights as PEFT saves them, without importing PEFT (three seconds), and trusts nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from mendgraph.errors import ArtifactError, ShapeMismatch

__all__ = ["LowRank", "read_lora"]

_PREFIX = "base_model.model."
_LINEAR = ("lora_A.weight", "lora_B.weight")
_EMBEDDING = ("lora_embedding_A", "lora_embedding_B")
# Settings that change the formula or the set of weights; each must be absent or off.
_UNSUPPORTED = (
    "alora_invocation_tokens",
    "alpha_pattern",
    "arrow_config",
    "fan_in_fan_out",
    "kasa_config",
    "layer_replication",
    "layers_to_transform",
    "lora_bias",
    "modules_to_save",
    "monteclora_config",
    "rank_pattern",
    "target_parameters",
    "trainable_token_indices",
    "use_bdlora",
    "use_dora",
    "use_qalora",
    "velora_config",
)


@dataclass(frozen=True, slots=True)
class LowRank:
    """One layer's adapter: `down` A (r, in) or (r, num), `up` B (out, r), `scale` lora_alpha/r or its rsLoRA form."""

    down: Tensor
    up: Tensor
    scale: float


def read_lora(model: nn.Module, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, LowRank]:
    """Layer path -> adapter, for exactly the layers that `config` targets in `model`.

    Scale: ``alpha / r``, or ``alpha / sqrt(r)`` with `use_rslora` (Kalajdzievski 2023, eq. 5).
    """
    rank, alpha = _plain_lora(config)
    scale = alpha / (rank**0.5 if config.get("use_rslora") else rank)
    found: dict[str, LowRank] = {}
    left = set(state)
    missing: list[str] = []
    misfits: list[str] = []
    for path, layer in model.named_modules():
        if not isinstance(layer, nn.Linear | nn.Embedding) or not _is_target(path, config):
            continue
        keys = [
            f"{_PREFIX}{path}.{leaf}" for leaf in (_LINEAR if isinstance(layer, nn.Linear) else _EMBEDDING)
        ]
        absent = [key for key in keys if key not in state]
        left.difference_update(keys)
        if absent:
            missing += absent
            continue
        inward, outward = (
            (layer.in_features, layer.out_features)
            if isinstance(layer, nn.Linear)
            else (layer.num_embeddings, layer.embedding_dim)
        )
        for key, wanted in zip(keys, ((rank, inward), (outward, rank)), strict=True):
            if tuple(state[key].shape) != wanted:
                misfits.append(f"{key} is {tuple(state[key].shape)}, the model needs {wanted}")
        found[path] = LowRank(state[keys[0]], state[keys[1]], scale)
    if missing or left or misfits or not found:
        raise ShapeMismatch(
            "LoRA weights do not fit the model: " + _story(missing, sorted(left), misfits),
            hint="use the base model and adapter_config.json that the adapter was trained with",
        )
    return found


def _plain_lora(config: Mapping[str, Any]) -> tuple[int, float]:
    odd = [key for key in _UNSUPPORTED if config.get(key)]
    odd += ["bias"] if config.get("bias", "none") != "none" else []
    kind = str(config.get("peft_type", "LORA")).upper()
    if odd or kind != "LORA":
        raise ArtifactError(
            f"adapter is not plain LoRA: peft_type {kind!r}, settings in use {odd}",
            hint="merge it into its base model with PEFT and load the result as a model of its own",
        )
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if not isinstance(rank, int) or rank < 1 or not isinstance(alpha, int | float):
        raise ArtifactError(
            f"adapter_config.json needs r >= 1 and lora_alpha, got r={rank!r}, lora_alpha={alpha!r}"
        )
    return rank, float(alpha)


def _is_target(path: str, config: Mapping[str, Any]) -> bool:
    """PEFT's rule: a string is a pattern for the whole path, a list holds whole paths or their last parts."""
    targets, excluded = config.get("target_modules"), config.get("exclude_modules")
    if excluded and _named(path, excluded):
        return False
    if targets == "all-linear":
        return True
    return _named(path, targets or [])


def _named(path: str, names: str | list[str]) -> bool:
    if isinstance(names, str):
        return re.fullmatch(names, path) is not None
    return any(path == name or path.endswith(f".{name}") for name in names)


def _story(missing: list[str], unexpected: list[str], misfits: list[str]) -> str:
    parts = (("missing", missing), ("unexpected", unexpected), ("misfits", misfits))
    told = [
        f"{len(keys)} {what} ({'; '.join(keys[:3])}{'; ...' if len(keys) > 3 else ''})"
        for what, keys in parts
        if keys
    ]
    return ", ".join(told) or "no layer of the model is a target"
