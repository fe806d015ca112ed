"""A PEFT adapter added to the weights it is for."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedModel

from mendgraph.adapters.backbone import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from mendgraph.adapters.foreign import renamed
from mendgraph.modules.peft_format import read_lora

__all__ = ["merge_adapter"]


def merge_adapter(model: PreTrainedModel, folder: Path) -> None:
    """Adds a PEFT folder's LoRA adapter to the model's own weights, so that a forward costs no more."""
    with renamed(f"load the adapter in {str(folder)!r}", loading=True):
        state = load_file(folder / ADAPTER_WEIGHTS)
        config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    with torch.no_grad():
        for path, low in read_lora(model, state, config).items():
            layer = model.get_submodule(path)
            weight = layer.get_parameter("weight")
            change = (low.up.float() @ low.down.float()) * low.scale
            weight.add_((change if isinstance(layer, nn.Linear) else change.T).to(weight))
