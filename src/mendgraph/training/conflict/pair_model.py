"""A classifier of two texts while it is trained: adapters in the encoder's upper layers, and the head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from peft import get_peft_model_state_dict
from torch import Tensor, nn

from mendgraph.adapters.backbone import load_tokenizer, open_encoder
from mendgraph.adapters.pair_reader import CUT
from mendgraph.adapters.tokens import Tokens
from mendgraph.errors import ConfigError
from mendgraph.modules.pair_head import PairHead, pair_states
from mendgraph.training.conflict.pair_spec import PairSpec
from mendgraph.training.lora import top_layers_adapted

__all__ = ["PairInputs", "PairModel"]


class _Row(Protocol):
    @property
    def source(self) -> str: ...


R = TypeVar("R", bound=_Row)


@dataclass(frozen=True, slots=True)
class PairInputs:
    """N pairs ready for the model.

    Attributes:
        features: (N, F) float32.
        labels: (N,) number of each pair's label.
        marks: (N, 2) places of the first and of the last token of what is to be found in the second text, -1 where
            nothing is; None where nothing is ever to be found.
    """

    tokens: Tokens
    features: Tensor
    labels: Tensor
    marks: Tensor | None = None


class PairModel(nn.Module, ABC, Generic[R]):
    """From a pair's tokens and features to logits of `labels`."""

    kind_of_head: ClassVar[type[PairHead]] = PairHead

    def __init__(
        self, spec: PairSpec, folder: Path, device: torch.device, labels: Sequence[str], features: int
    ) -> None:
        """
        Args:
            folder: of the encoder.
            features: numbers that are known of each pair.

        Raises:
            ArtifactError: it holds no complete encoder.
            ConfigError: an encoder that is not built like BERT, or target modules it does not have.
        """
        super().__init__()
        self.spec, self.labels = spec, tuple(labels)
        encoder = open_encoder(folder)
        self.tokenizer = load_tokenizer(folder)
        if not self.tokenizer.wants_types:
            raise ConfigError(f"the encoder in {str(folder)!r} does not tell the two texts of a pair apart")
        encoder.pooler = None
        self.encoder = top_layers_adapted(
            encoder,
            spec.top_layers,
            target_modules=spec.target_modules,
            r=spec.r,
            lora_alpha=spec.lora_alpha,
        )
        self.head = self.kind_of_head(
            int(encoder.config.hidden_size), features, spec.head_width, len(self.labels), spec.dropout
        )
        self.to(device)

    @property
    def device(self) -> torch.device:
        return self.head.mean.device

    @abstractmethod
    def inputs(self, rows: Sequence[R]) -> PairInputs:
        """`rows` as the model reads them."""

    def inputs_of(
        self,
        texts: Sequence[tuple[str, str]],
        features: Sequence[Sequence[float]],
        labels: Sequence[str],
        *,
        offsets: bool = False,
    ) -> PairInputs:
        return PairInputs(
            self.tokenizer.pairs(texts, self.spec.max_length, CUT, offsets=offsets),
            torch.tensor(features, dtype=torch.float32).reshape(len(texts), self.head.mean.numel()),
            torch.tensor([self.labels.index(label) for label in labels], dtype=torch.long),
        )

    def forward(self, inputs: PairInputs, rows: Sequence[int]) -> Tensor:
        """(B, labels) float32 of the pairs with these numbers."""
        return self.judged(inputs, rows, *self.read(inputs, rows))

    def loss(self, inputs: PairInputs, rows: Sequence[int], loss_of: nn.Module) -> Tensor:
        """Mean over the pairs with these numbers.

        Args:
            loss_of: of logits and labels.
        """
        found: Tensor = loss_of(self(inputs, rows), inputs.labels[list(rows)].to(self.device))
        return found

    def read(self, inputs: PairInputs, rows: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """States (B, T, H), mask (B, T), and segment ids (B, T), padded on the right."""
        part = inputs.tokens.take(rows)
        longest = max(len(ids) for ids in part.ids)
        ids, mask, types = (
            torch.tensor([[*row, *[fill] * (longest - len(row))] for row in found], device=self.device)
            for found, fill in (
                (part.ids, self.tokenizer.pad_id),
                ([[1] * len(row) for row in part.ids], 0),
                (part.types or [], 0),
            )
        )
        encoder: Any = self.encoder
        return (
            encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state,
            mask,
            types,
        )

    def judged(
        self, inputs: PairInputs, rows: Sequence[int], states: Tensor, mask: Tensor, types: Tensor
    ) -> Tensor:
        """(B, labels) float32 of what `read` gave."""
        features = inputs.features[list(rows)].to(self.device)
        with torch.autocast(self.device.type, enabled=False):
            logits: Tensor = self.head(pair_states(states, mask, types), features)
        return logits

    def adapter_state(self) -> dict[str, Tensor]:
        """LoRA tensors as PEFT names them in its files, float32, on the CPU."""
        state: dict[str, Tensor] = get_peft_model_state_dict(self.encoder, save_embedding_layers=False)
        return {name: tensor.detach().float().cpu().clone() for name, tensor in state.items()}
