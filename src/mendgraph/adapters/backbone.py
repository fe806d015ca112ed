"""Encoders in memory: each loaded once per process, shared by every tier that names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.device import choose_device, choose_dtype
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hub import locate, quiet, weights_hash
from mendgraph.adapters.tokens import TextTokenizer
from mendgraph.errors import ArtifactError, ConfigError, HashMismatch, ShapeMismatch
from mendgraph.modules.lora import attach

__all__ = ["Backbone", "load_tokenizer", "open_encoder", "refuse_missing"]

ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"


@dataclass(eq=False)
class Backbone:
    """One encoder's weights on one device, its tokenizer, and the adapters attached so far."""

    model: nn.Module
    tokenizer: TextTokenizer
    device: torch.device
    sha256: str
    hidden_size: int
    positions: int
    adapters: dict[str, tuple[str, bool]] = field(default_factory=dict)  # name -> (fingerprint, merged)
    lock: Lock = field(default_factory=Lock)

    @classmethod
    def open(cls, name: str, device: str, precision: str) -> Backbone:
        """The same object for the same files, device and precision, as long as anyone holds it."""
        place = choose_device(device)
        dtype = choose_dtype(precision, place)
        folder = locate(name).resolve()
        key = (str(folder), str(place), precision)
        with _loading.setdefault(key, Lock()):  # others may load other models meanwhile
            found = _loaded.get(key)
            if found is None:
                found = _load(folder, place, dtype)
                _loaded[key] = found
            return found

    def add_adapter(self, name: str, artifact: Artifact, *, merge: bool) -> None:
        """Attach the artefact's LoRA under `name`; again is free, other weights under one name are refused."""
        base = artifact.manifest.base_model
        if base is None:
            raise ArtifactError(
                f"adapter {artifact.manifest.name!r} does not say which model it was trained on",
                hint="write base_model with its SHA-256 into the manifest",
            )
        if base.sha256 != self.sha256:
            raise HashMismatch(
                f"adapter {artifact.manifest.name!r} was trained on {base.name} {base.sha256[:16]}..., "
                f"this encoder has SHA-256 {self.sha256[:16]}...",
                hint="configure the encoder that the adapter was trained on",
            )
        with self.lock:
            known, merged = self.adapters.get(name, (artifact.fingerprint, False))
            if known != artifact.fingerprint:
                raise ConfigError(
                    f"adapter {name!r} already holds other weights ({known})",
                    hint="give each adapter its own name",
                )
            if name in self.adapters and merged >= merge:
                return
            # The encoder has no pooler, whose output token pooling never sees; adapters for it change nothing.
            state = {
                key: part for key, part in artifact.tensors(ADAPTER_WEIGHTS).items() if ".pooler." not in key
            }
            attach(self.model, name, state, artifact.json(ADAPTER_CONFIG), merge=merge)
            self.adapters[name] = (artifact.fingerprint, merge)


_loaded: WeakValueDictionary[tuple[str, str, str], Backbone] = WeakValueDictionary()
_loading: dict[tuple[str, str, str], Lock] = {}


def _load(folder: Path, device: torch.device, dtype: torch.dtype) -> Backbone:
    with renamed(f"load the encoder in {str(folder)!r}", loading=True):
        model = open_encoder(folder, dtype=dtype)
        tokenizer = load_tokenizer(folder)
        if getattr(model, "pooler", None) is not None:
            model.pooler = None
        model = model.to(device).eval().requires_grad_(False)
    rows = model.get_input_embeddings().num_embeddings
    if tokenizer.size > rows:
        raise ShapeMismatch(
            f"tokenizer in {str(folder)!r} has {tokenizer.size} words, the model {rows} embeddings",
            hint="use the tokenizer that belongs to the model",
        )
    return Backbone(
        model, tokenizer, device, weights_hash(folder), int(model.config.hidden_size), positions(model.config)
    )


def open_encoder(folder: Path, **options: Any) -> Any:
    """The network in `folder`, float32 unless `options` for transformers say otherwise; a pooler may be untrained.

    Raises:
        ArtifactError: the folder holds no complete encoder.
    """
    with renamed(f"load the encoder in {str(folder)!r}", loading=True), quiet():
        model, report = AutoModel.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
            **{"dtype": torch.float32, **options},
        )
    refuse_missing([key for key in report["missing_keys"] if not key.startswith("pooler.")], folder)
    return model


def positions(config: Any) -> int:
    """Longest input in tokens; RoBERTa's positions start after its padding index."""
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1:
        return 1 << 30
    return limit - 2 if config.model_type in _OFFSET_POSITIONS else limit


_OFFSET_POSITIONS = frozenset({"roberta", "xlm-roberta", "camembert", "mpnet", "longformer"})


def load_tokenizer(folder: Path) -> TextTokenizer:
    with renamed(f"load the tokenizer in {str(folder)!r}", loading=True):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return TextTokenizer(tokenizer, repr(str(folder)))


def refuse_missing(keys: list[str], folder: Path) -> None:
    """transformers fills missing weights with random numbers and goes on."""
    if keys:
        raise ShapeMismatch(
            f"{len(keys)} weights are missing in {str(folder)!r}: {', '.join(sorted(keys)[:3])}",
            hint="the folder holds another architecture, or a checkpoint without its head",
        )
