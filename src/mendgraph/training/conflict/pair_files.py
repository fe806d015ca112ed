"""Weights of a classifier of two texts on disk: its head, and its adapter as PEFT writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file

from mendgraph.adapters.pair_reader import HEAD
from mendgraph.training.conflict.pair_model import PairModel

__all__ = ["ADAPTER", "HEAD", "write_weights"]

ADAPTER: Final = ("adapter_model.safetensors", "adapter_config.json")


def write_weights(model: PairModel[Any], encoder: str, folder: Path) -> None:
    """
    Args:
        encoder: name of what the adapter is for.
    """
    # Stored in half precision, and rounded in memory too, so that the figures are of the stored weights.
    with torch.no_grad():
        for parameter in (*model.head.parameters(), *model.head.buffers()):
            parameter.copy_(parameter.half())
        for name, parameter in model.encoder.named_parameters():
            if "lora_" in name:
                parameter.copy_(parameter.half())
    _write_tensors(folder / HEAD, {k: v.detach().cpu().half() for k, v in model.head.state_dict().items()})
    _write_tensors(folder / ADAPTER[0], {k: v.half() for k, v in model.adapter_state().items()})
    settings: Any = model.encoder.peft_config["default"]  # type: ignore[index]
    settings.base_model_name_or_path = encoder  # not a path of this machine's packages
    settings.inference_mode = True
    settings.save_pretrained(str(folder))


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file({name: part.contiguous() for name, part in tensors.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors writes for the owner alone; a package's weights are for its users
