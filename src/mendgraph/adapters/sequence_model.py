"""Any Hugging Face sequence classifier as token ids in, logits out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from mendgraph.adapters.backbone import load_tokenizer, positions, refuse_missing
from mendgraph.adapters.device import choose_device, choose_dtype
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.forward import Limits, run_batches
from mendgraph.adapters.hashing import sha256_of_json
from mendgraph.adapters.hub import locate, quiet, weights_hash
from mendgraph.adapters.peft_folder import ADAPTER_CONFIG, adapter_hash, with_adapter
from mendgraph.adapters.tokens import TextTokenizer, Tokens
from mendgraph.errors import ArtifactError, ConfigError
from mendgraph.runtime.working_size import WorkingSize

__all__ = ["SequenceModel"]


@dataclass(frozen=True, slots=True)
class SequenceModel:
    """A classifier in memory.

    Attributes:
        labels: the model's own label names, in logit order.
        multi_label: trained with one sigmoid per label instead of one softmax.
        fingerprint: 16 hex digits of base weights, adapter and label order.
    """

    model: nn.Module
    tokenizer: TextTokenizer
    device: torch.device
    labels: tuple[str, ...]
    multi_label: bool
    fingerprint: str
    max_length: int
    limits: Limits
    working: WorkingSize

    @classmethod
    def open(
        cls,
        name: str,
        *,
        device: str = "auto",
        precision: str = "fp32",
        max_length: int = 128,
        batch_size: int = 16,
    ) -> SequenceModel:
        """Load a hub name, a model folder, or a PEFT folder (base model from its adapter_config.json).

        A PEFT folder may hold ``training_config.json`` with ``id2label``, and its own tokenizer.
        """
        if max_length < 8 or batch_size < 1:
            raise ConfigError(
                f"classifier: max_length {max_length} must be >= 8 and batch_size {batch_size} >= 1"
            )
        place = choose_device(device)
        dtype = choose_dtype(precision, place)
        folder = locate(name)
        tuned = folder if (folder / ADAPTER_CONFIG).is_file() else None
        base = locate(_base_name(folder)) if tuned else folder
        with renamed(f"load the classifier in {str(folder)!r}", loading=True), quiet():
            labels = _labels(folder, tuned)
            config = AutoConfig.from_pretrained(base, local_files_only=True, trust_remote_code=False)
            if labels:
                config.id2label, config.label2id = labels, {label: number for number, label in labels.items()}
            model, report = AutoModelForSequenceClassification.from_pretrained(
                base,
                config=config,
                dtype=dtype,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                ignore_mismatched_sizes=tuned is not None,  # the adapter folder brings its own head
            )
            missing, mismatched = (
                sorted(report["missing_keys"]),
                [str(key) for key in report["mismatched_keys"]],
            )
            if tuned:
                model = with_adapter(model, tuned, randomly_filled=missing + mismatched)
            else:
                refuse_missing(missing, folder)
            model = model.to(place).eval().requires_grad_(False)
        tokenizer = load_tokenizer(folder if tuned is None or (folder / "tokenizer.json").exists() else base)
        names = tuple(model.config.id2label[number] for number in range(model.config.num_labels))
        hashes = {
            "base": weights_hash(base),
            "adapter": adapter_hash(tuned) if tuned else None,
            "labels": names,
        }
        return cls(
            model=model,
            tokenizer=tokenizer,
            device=place,
            labels=names,
            multi_label=model.config.problem_type == "multi_label_classification",
            fingerprint=sha256_of_json(hashes)[:16],
            max_length=min(max_length, positions(model.config)),
            limits=Limits.of(batch_size),
            working=WorkingSize(batch_size),
        )

    def logits(self, texts: Sequence[str]) -> Tensor:
        """(N, labels) float32 on the CPU; `texts` must not be empty."""
        return self._run(self.tokenizer.texts(texts, self.max_length))

    def pair_logits(self, pairs: Sequence[tuple[str, str]]) -> Tensor:
        """(N, labels) for (premise, hypothesis) pairs; `pairs` must not be empty."""
        return self._run(self.tokenizer.pairs(pairs, self.max_length))

    def _run(self, tokens: Tokens) -> Tensor:
        def forward(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
            extra = {} if types is None else {"token_type_ids": types}
            if mask is None and self._needs_mask:
                mask = torch.ones_like(ids)
            found: Tensor = self.model(input_ids=ids, attention_mask=mask, **extra).logits
            return found

        return run_batches(
            tokens,
            forward,
            limits=self.limits,
            working=self.working,
            pad_id=self.tokenizer.pad_id,
            device=self.device,
        )

    @property
    def _needs_mask(self) -> bool:
        # Encoder-decoders (BART-MNLI) take a missing mask as "find the padding yourself".
        return bool(getattr(self.model.config, "is_encoder_decoder", False))


def _base_name(folder: Path) -> str:
    path = folder / ADAPTER_CONFIG
    with renamed(f"read {path}", loading=True):
        name = json.loads(path.read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise ArtifactError(f"{path} names no base model", hint="set base_model_name_or_path")
    return name


def _labels(folder: Path, tuned: Path | None) -> dict[int, str] | None:
    """id2label of training_config.json, ids 0..n-1; None leaves the model's own."""
    path = folder / "training_config.json"
    if tuned is None or not path.is_file():
        return None
    config: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    raw = config.get("id2label")
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not all(str(key).isdigit() for key in raw):
        raise ArtifactError(f"{path}: id2label must map numbers to names, got {raw!r}")
    labels = {int(key): str(label) for key, label in raw.items()}
    if sorted(labels) != list(range(len(labels))) or len(labels) < 2:
        raise ArtifactError(f"{path}: id2label must number two or more labels from 0, got {sorted(labels)}")
    return dict(sorted(labels.items()))
