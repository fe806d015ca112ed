"""The types classifier while it is trained: adapters in the encoder's upper layers, and the head."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from torch import Tensor, nn
from transformers import AutoModel

from mendgraph.adapters.backbone import load_tokenizer, refuse_missing
from mendgraph.adapters.conflict_types import CUT, asked
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.hub import quiet
from mendgraph.adapters.tokens import Tokens
from mendgraph.core.conflict import LEVELS
from mendgraph.core.evidence import FEATURES, evidence
from mendgraph.errors import ConfigError
from mendgraph.modules.layered import depth
from mendgraph.modules.pair_head import PairHead, pair_states
from mendgraph.training.conflict.pairs import LabelledPair
from mendgraph.training.conflict.types_spec import TypesSpec

__all__ = ["PairInputs", "TypesModel"]


@dataclass(frozen=True, slots=True)
class PairInputs:
    """N pairs ready for the model: token ids, features (N, F) float32, and the number of each pair's level (N,)."""

    tokens: Tokens
    features: Tensor
    levels: Tensor


class TypesModel(nn.Module):
    """From a pair's tokens and features to logits of `LEVELS`."""

    def __init__(self, spec: TypesSpec, folder: Path, device: torch.device) -> None:
        """
        Args:
            folder: of the encoder.

        Raises:
            ArtifactError: it holds no complete encoder.
            ConfigError: an encoder that is not built like BERT, or target modules it does not have.
        """
        super().__init__()
        self.spec = spec
        with renamed(f"load the encoder in {str(folder)!r}", loading=True), quiet():
            encoder, report = AutoModel.from_pretrained(
                folder,
                dtype=torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        refuse_missing([key for key in report["missing_keys"] if not key.startswith("pooler.")], folder)
        self.tokenizer = load_tokenizer(folder)
        if not self.tokenizer.wants_types:
            raise ConfigError(f"the encoder in {str(folder)!r} does not tell the two texts of a pair apart")
        encoder.pooler = None
        self.encoder = _adapted(encoder, spec)
        self.head = PairHead(
            int(encoder.config.hidden_size), len(FEATURES), spec.head_width, len(LEVELS), spec.dropout
        )
        self.to(device)

    @property
    def device(self) -> torch.device:
        return self.head.mean.device

    def inputs(self, pairs: Sequence[LabelledPair]) -> PairInputs:
        texts = [(asked(pair.question, pair.first), pair.second) for pair in pairs]
        features = [evidence(pair.question, pair.first, pair.second) for pair in pairs]
        return PairInputs(
            self.tokenizer.pairs(texts, self.spec.max_length, CUT),
            torch.tensor(features, dtype=torch.float32).reshape(len(pairs), len(FEATURES)),
            torch.tensor([LEVELS.index(pair.level) for pair in pairs], dtype=torch.long),
        )

    def forward(self, inputs: PairInputs, rows: Sequence[int]) -> Tensor:
        """(B, levels) float32 of the pairs with these numbers."""
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
        states = encoder(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
        features = inputs.features[list(rows)].to(self.device)
        with torch.autocast(self.device.type, enabled=False):
            logits: Tensor = self.head(pair_states(states, mask, types), features)
        return logits

    def adapter_state(self) -> dict[str, Tensor]:
        """LoRA tensors as PEFT names them in its files, float32, on the CPU."""
        state: dict[str, Tensor] = get_peft_model_state_dict(self.encoder, save_embedding_layers=False)
        return {name: tensor.detach().float().cpu().clone() for name, tensor in state.items()}


def _adapted(encoder: Any, spec: TypesSpec) -> nn.Module:
    first = depth(encoder) - spec.top_layers
    paths = [
        path
        for path, part in encoder.named_modules()
        if isinstance(part, nn.Linear)
        and path.rpartition(".")[2] in spec.target_modules
        and path.startswith("encoder.layer.")
        and int(path.split(".")[2]) >= first
    ]
    if not paths:
        raise ConfigError(f"target_modules: {spec.target_modules} fit nothing in the encoder's layers")
    lora = LoraConfig(r=spec.r, lora_alpha=spec.lora_alpha, target_modules=paths)
    with warnings.catch_warnings():
        # PEFT up to 0.21 asks transformers for a name that v6 will drop; both work with the bounds we ship.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        adapted: nn.Module = get_peft_model(encoder, lora)
    return adapted
