"""Weights of a classifier of two texts on disk: its head, and its adapter as PEFT writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from peft import set_peft_model_state_dict
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.pair_reader import HEAD
from mendgraph.errors import ConfigError
from mendgraph.training.conflict.pair_model import PairModel

__all__ = ["ADAPTER", "HEAD", "read_weights", "write_weights"]

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


def read_weights(model: PairModel[Any], artifact: Artifact) -> None:
    """Gives `model` the weights of an artefact of its own shape.

    Raises:
        ConfigError: it has another one.
    """
    head = {name: tensor.float() for name, tensor in artifact.tensors(HEAD).items()}
    adapters = {name: tensor.float() for name, tensor in artifact.tensors(ADAPTER[0]).items()}
    shapes = {
        name: tensor.shape for name, tensor in {**model.head.state_dict(), **model.adapter_state()}.items()
    }
    if {name: tensor.shape for name, tensor in {**head, **adapters}.items()} != shapes:
        raise ConfigError(
            f"the weights in {str(artifact.folder)!r} have another shape than the settings ask for",
            hint="train anew, without --resume",
        )
    model.head.load_state_dict(head)
    set_peft_model_state_dict(model.encoder, adapters)


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file({name: part.contiguous() for name, part in tensors.items()}, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors writes for the owner alone; a package's weights are for its users
