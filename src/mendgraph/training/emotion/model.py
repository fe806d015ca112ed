"""The trainable model: a frozen encoder with LoRA, mean pooling, and three heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict
from torch import Tensor, nn

from mendgraph.adapters.backbone import open_encoder
from mendgraph.config import LoraSpec
from mendgraph.errors import ConfigError
from mendgraph.modules.pooling import pool
from mendgraph.training.emotion.labels import GOEMOTIONS, LABELS
from mendgraph.training.lora import adapted

POOLING = "mean"
HEAD_DROPOUT = 0.1
HEADS = {"emotion": len(LABELS), "fine": len(GOEMOTIONS), "irony": 1}
"""Outputs of each head; ``fine`` only helps training and is dropped afterwards."""


class EmotionModel(nn.Module):
    """Token ids to the logits of all heads."""

    def __init__(self, encoder: PeftModel, hidden_size: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(HEAD_DROPOUT)
        self.heads = nn.ModuleDict({name: nn.Linear(hidden_size, width) for name, width in HEADS.items()})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        """(B, T) -> ``emotion`` (B, 8), ``fine`` (B, 28), ``irony`` (B,)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = self.dropout(pool(POOLING, states, attention_mask))
        logits: dict[str, Tensor] = {name: head(pooled) for name, head in self.heads.items()}
        return {**logits, "irony": logits["irony"].squeeze(-1)}

    def trained_state(self) -> dict[str, Tensor]:
        """The parameters that training changes, under their names in `state_dict`."""
        return {name: p.detach() for name, p in self.named_parameters() if p.requires_grad}

    def adapter_state(self) -> dict[str, Tensor]:
        """LoRA tensors as PEFT names them in its files."""
        state: dict[str, Tensor] = get_peft_model_state_dict(self.encoder, save_embedding_layers=False)
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def head_state(self, names: Sequence[str]) -> dict[str, Tensor]:
        """``emotion.weight``, ``emotion.bias``, ... of these heads, float32."""
        state = self.heads.state_dict()
        return {
            f"{name}.{part}": state[f"{name}.{part}"].detach().cpu().float().clone()
            for name in names
            for part in ("weight", "bias")
        }

    @contextmanager
    def rounded(self, dtype: torch.dtype) -> Iterator[None]:
        """Inside, the LoRA weights hold the values they would have after a trip through `dtype`."""
        adapters = [p for p in self.encoder.parameters() if p.requires_grad]
        exact = [p.detach().clone() for p in adapters]
        try:
            with torch.no_grad():
                for parameter in adapters:
                    parameter.copy_(parameter.to(dtype))
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(adapters, exact, strict=True):
                    parameter.copy_(value)


def build_model(folder: Path, lora: LoraSpec) -> EmotionModel:
    """The encoder in `folder` with fresh adapters and heads, float32, on the CPU.

    Raises:
        ArtifactError: the folder holds no complete encoder.
        ConfigError: `lora.target_modules` names nothing in it.
    """
    encoder = open_encoder(folder)
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # mean pooling never sees it, and it must not get an adapter
    _check_targets(encoder, lora.target_modules)
    settings = LoraConfig(
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        target_modules=list(lora.target_modules),
    )
    return EmotionModel(adapted(encoder, settings), int(encoder.config.hidden_size))


def parameter_counts(model: nn.Module) -> tuple[int, int]:
    """(trainable, all)."""
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trained in counts if trained), sum(n for n, _ in counts)


def _check_targets(encoder: nn.Module, targets: Sequence[str]) -> None:
    paths = [path for path, layer in encoder.named_modules() if isinstance(layer, nn.Linear | nn.Embedding)]
    lost = [name for name in targets if not any(path == name or path.endswith(f".{name}") for path in paths)]
    if lost or not targets:
        names = sorted({path.rpartition(".")[2] for path in paths})
        raise ConfigError(
            f"lora.target_modules: {lost or 'nothing'} not found in the encoder",
            hint=f"its layers are called {', '.join(names)}",
        )
