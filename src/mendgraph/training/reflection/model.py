"""The trainable part of the cross-encoder: the upper layers with their adapters, and the head."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from peft import get_peft_model_state_dict
from torch import Tensor, nn

from mendgraph.adapters.batching import buckets
from mendgraph.config import ReflectionTrainingSpec
from mendgraph.core.arrays import FloatArray
from mendgraph.modules.layered import climb, head_inputs, input_widths, pair_vectors
from mendgraph.modules.level_head import CLASSES, LevelHead, score_logits
from mendgraph.training.lora import top_layers_adapted
from mendgraph.training.reflection.batches import Pair
from mendgraph.training.reflection.states import CHUNK, ROWS, TOKENS, Lower, LowerStates, apart, padded

DIGITS = 4
"""Of a logit."""


class PairModel(nn.Module):
    """From the states below the trained layers to four class logits per pair."""

    def __init__(self, encoder: nn.Module, start: int, layers: int, head: LevelHead) -> None:
        """
        Args:
            start: the first layer that gets states from below.
            layers: how many of the upper layers the head reads.
        """
        super().__init__()
        self.encoder = encoder
        self.start, self.layers = start, layers
        self.head = head
        self.tuned = False
        """Whether the adapters change anything; fresh ones do not."""

    def vectors(self, rows: Sequence[Lower]) -> Tensor:
        """(B, width) float32, see `pair_vectors`."""
        states, mask, types = padded(rows, self.head.mean.device)
        base: Any = self.encoder
        upper = climb(base.get_base_model(), states, mask, self.start)[-self.layers :]
        return pair_vectors(upper, mask, types)

    def forward(self, rows: Sequence[Lower], prompts: Sequence[Lower], responses: Sequence[Lower]) -> Tensor:
        """(B, 4) class logits; `score_logits` makes one logit of them.

        Args:
            prompts, responses: what `apart` makes of the pairs in `rows`.
        """
        together, *alone = (self.vectors(column) for column in (rows, prompts, responses))
        logits: Tensor = self.head(head_inputs(together, alone[0], alone[1], self.layers))
        return logits

    def adapters(self) -> list[nn.Parameter]:
        return [part for part in self.encoder.parameters() if part.requires_grad]

    def trained(self) -> dict[str, nn.Parameter]:
        """The parameters that training changes."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def adapter_state(self) -> dict[str, Tensor]:
        """LoRA tensors as PEFT names them in its files, float32, on the CPU."""
        state: dict[str, Tensor] = get_peft_model_state_dict(self.encoder, save_embedding_layers=False)
        return {name: tensor.detach().float().cpu().clone() for name, tensor in state.items()}


def build_model(states: LowerStates, settings: ReflectionTrainingSpec) -> PairModel:
    """The encoder of `states` with fresh adapters in its upper layers, and a fresh head, float32.

    Raises:
        ConfigError: the settings' target modules name nothing in those layers.
    """
    encoder: Any = copy.deepcopy(states.encoder)
    encoder.pooler = None  # its output is not used, and it must not get an adapter
    for part in encoder.modules():
        if isinstance(part, nn.Dropout):
            part.p = settings.encoder_dropout
    adapted = top_layers_adapted(
        encoder,
        settings.top_layers,
        target_modules=settings.target_modules,
        r=settings.r,
        lora_alpha=settings.lora_alpha,
    )
    adapted.requires_grad_(False)
    if settings.num_epochs:
        for name, part in adapted.named_parameters():
            part.requires_grad_("lora_" in name)
    widths = input_widths(int(encoder.config.hidden_size), settings.layers)
    head = LevelHead(widths, settings.head_width, settings.head_dropout)
    return PairModel(adapted, states.stop, settings.layers, head).to(states.device)


def pair_classes(
    model: PairModel, states: LowerStates, pairs: Sequence[Pair], *, keep: bool = False
) -> Tensor:
    """(N, 4) class logits in order, on the CPU, length-bucketed."""
    model.eval()
    found = [torch.empty(0, len(CLASSES))]
    for start in range(0, len(pairs), CHUNK):
        part = pairs[start : start + CHUNK]
        with torch.no_grad():
            classes = _tuned(model, states, part, keep) if model.tuned else model.head(states.vectors(part))
            found.append(classes.cpu())
    return torch.cat(found)


def pair_logits(
    model: PairModel, states: LowerStates, pairs: Sequence[Pair], *, keep: bool = False
) -> FloatArray:
    """(N,) logits in order; their sigmoids are the scores.

    Rounded to `DIGITS`: sums differ in the last bits with the company a pair has, and equal pairs must tie.
    """
    logits = score_logits(pair_classes(model, states, pairs, keep=keep))
    return np.round(logits.double().numpy(), DIGITS)


def _tuned(model: PairModel, states: LowerStates, pairs: Sequence[Pair], keep: bool) -> Tensor:
    columns = [states.of(column, keep=keep) for column in (pairs, *apart(pairs))]
    found = torch.empty(len(pairs), len(CLASSES), device=states.device)
    with states.autocast():
        for rows in buckets([len(row.types) for row in columns[0]], ROWS, TOKENS):
            together, prompts, responses = ([column[row] for row in rows] for column in columns)
            found[rows] = model(together, prompts, responses).float()
    return found
