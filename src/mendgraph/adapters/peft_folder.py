"""A PEFT folder put onto its base classifier: the format of a fine-tuned ``final_model``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from mendgraph.adapters.hashing import sha256_of
from mendgraph.errors import ArtifactMissing, ShapeMismatch

__all__ = ["ADAPTER_CONFIG", "adapter_hash", "with_adapter"]

ADAPTER_CONFIG = "adapter_config.json"
_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")


def with_adapter(model: PreTrainedModel, folder: Path, *, randomly_filled: list[str]) -> PreTrainedModel:
    """`model` with the folder's adapter and head merged into its weights, so that a forward costs no more.

    Args:
        randomly_filled: weights the base checkpoint lacks; the folder must bring every one of them.
    """
    # PEFT takes three seconds to import: only those who load such a folder pay.
    from peft import PeftConfig, get_peft_model, set_peft_model_state_dict

    state = _state(_weights(folder))
    brought = {key.removeprefix("base_model.model.") for key in state}
    missing = [key for key in randomly_filled if key not in brought]
    if missing:
        raise _misfit(folder, missing, [])
    tuned = get_peft_model(model, PeftConfig.from_pretrained(str(folder)))
    report: Any = set_peft_model_state_dict(tuned, state)
    missing = [key for key in report.missing_keys if "lora_" in key or "modules_to_save" in key]
    if missing or report.unexpected_keys:
        raise _misfit(folder, missing, list(report.unexpected_keys))
    merged: PreTrainedModel = tuned.merge_and_unload()
    return merged


def adapter_hash(folder: Path) -> str:
    return sha256_of(_weights(folder))


def _misfit(folder: Path, missing: list[str], unexpected: list[str]) -> ShapeMismatch:
    return ShapeMismatch(
        f"adapter in {str(folder)!r} does not fit its base model: missing {missing[:3]}, unexpected {unexpected[:3]}",
        hint="save the classification head with the adapter (modules_to_save) and name the right base model",
    )


def _weights(folder: Path) -> Path:
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return folder / name
    raise ArtifactMissing(
        f"no {' or '.join(_WEIGHTS)} in {str(folder)!r}", hint="save the adapter with save_pretrained"
    )


def _state(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        return dict(load_file(path))
    return dict(torch.load(path, map_location="cpu", weights_only=True))
