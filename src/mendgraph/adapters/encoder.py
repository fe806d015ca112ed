"""The shared encoder: texts to vectors, with an adapter chosen per call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.backbone import Backbone
from mendgraph.adapters.forward import Limits, run_batches
from mendgraph.errors import ConfigError, UnknownNameError
from mendgraph.modules.lora import use_adapter
from mendgraph.modules.pooling import pool
from mendgraph.runtime.working_size import WorkingSize

__all__ = ["SharedEncoder"]


@dataclass(frozen=True, slots=True)
class SharedEncoder:
    """A view of one backbone; views of the same weights share them and their adapters."""

    backbone: Backbone
    max_length: int
    limits: Limits
    working: WorkingSize = field(compare=False)  # what its device has memory for says nothing of what it is

    @classmethod
    def open(
        cls,
        name: str = "embedded",
        *,
        device: str = "auto",
        precision: str = "fp32",
        max_length: int = 128,
        batch_size: int = 16,
    ) -> SharedEncoder:
        """Load ``embedded``, a folder, or a hub name; weights already in memory are reused.

        Args:
            max_length: tokens kept per text, special tokens included; at most the model's positions.
            batch_size: texts per forward pass; long texts go fewer at a time.

        Raises:
            ArtifactError, HubUnavailable: the model cannot be had, with the reason.
            ConfigError: device, precision or limits do not work here.
        """
        if max_length < 3 or batch_size < 1:
            raise ConfigError(
                f"encoder: max_length {max_length} must be >= 3 and batch_size {batch_size} >= 1"
            )
        backbone = Backbone.open(name, device, precision)
        return cls(
            backbone,
            min(max_length, backbone.positions),
            Limits.of(batch_size),
            WorkingSize(batch_size),
        )

    @property
    def fingerprint(self) -> str:
        """16 hex digits of the base weights."""
        return self.backbone.sha256[:16]

    @property
    def hidden_size(self) -> int:
        return self.backbone.hidden_size

    @property
    def device(self) -> torch.device:
        return self.backbone.device

    def add_adapter(self, name: str, artifact: Artifact, *, merge: bool = False) -> None:
        """Attach the artefact's LoRA under `name`; `merge` trades memory for speed, see `lora.attach`."""
        self.backbone.add_adapter(name, artifact, merge=merge)

    def encode(
        self,
        texts: Sequence[str],
        adapter: str | None = None,
        pooling: str = "mean",
        *,
        max_length: int | None = None,
    ) -> Tensor:
        """(N, H) float32 on the CPU, one row per text in order; (N, 2H) for ``mean_max``."""
        backbone = self.backbone
        if adapter is not None and adapter not in backbone.adapters:
            raise UnknownNameError("adapter", adapter, backbone.adapters)
        if not texts:
            return torch.empty(0, self.hidden_size * (2 if pooling == "mean_max" else 1))

        def forward(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
            del types  # single texts: all zero, the models' own default
            return pool(pooling, backbone.model(input_ids=ids, attention_mask=mask).last_hidden_state, mask)

        limit = min(max_length or self.max_length, backbone.positions)
        tokens = backbone.tokenizer.texts(texts, limit)
        with use_adapter(adapter):
            return run_batches(
                tokens,
                forward,
                limits=self.limits,
                working=self.working,
                pad_id=backbone.tokenizer.pad_id,
                device=backbone.device,
            )
