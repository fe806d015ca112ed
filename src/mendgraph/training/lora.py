"""Fresh LoRA adapters on a model that is to be trained."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import Any

from peft import LoraConfig, get_peft_model
from torch import nn

from mendgraph.errors import ConfigError
from mendgraph.modules.layered import depth

__all__ = ["adapted", "top_layers_adapted"]


def adapted(model: Any, settings: LoraConfig) -> Any:
    """`model` with adapters, as PEFT wraps it; only they have gradients."""
    with warnings.catch_warnings():
        # PEFT up to 0.21 asks transformers for a name that v6 will drop; both work with the bounds we ship.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        return get_peft_model(model, settings)


def top_layers_adapted(
    encoder: Any, layers: int, *, target_modules: Collection[str], r: int, lora_alpha: int
) -> nn.Module:
    """An encoder built like BERT with adapters in its last `layers` layers.

    Raises:
        ConfigError: `target_modules` name nothing there.
    """
    first = depth(encoder) - layers
    paths = [
        path
        for path, part in encoder.named_modules()
        if isinstance(part, nn.Linear)
        and path.rpartition(".")[2] in target_modules
        and path.startswith("encoder.layer.")
        and int(path.split(".")[2]) >= first
    ]
    if not paths:
        raise ConfigError(f"target_modules: {target_modules} fit nothing in the encoder's layers")
    found: nn.Module = adapted(encoder, LoraConfig(r=r, lora_alpha=lora_alpha, target_modules=paths))
    return found
