"""Tiny RoBERTa scorers with random weights, in both published layouts, saved as the real ones are."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import RobertaConfig

from mendgraph.adapters.cross_scorer_model import CrossScorerModel
from tests.tiny import HIDDEN, WORDS, sentences, tokenizer

SCORER_LAYOUTS = ("cross_encoder", "roberta")


def save_roberta(folder: Path) -> Path:
    """Configuration and tokenizer of an encoder; its weights are in the checkpoints."""
    roberta_config().save_pretrained(folder)
    tokenizer(types=False).save_pretrained(folder)
    return folder


def roberta_config() -> RobertaConfig:
    return RobertaConfig(
        vocab_size=len(WORDS) + 5,
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=0,
        architectures=["RobertaModel"],
    )


def scorer_state(encoder: Path, layout: str = "cross_encoder", *, seed: int = 0) -> dict[str, Tensor]:
    """A checkpoint's tensors, large enough that every layer and both texts show in the score."""
    model = CrossScorerModel(str(encoder), layout=layout, device="cpu")
    noise = torch.Generator().manual_seed(seed)
    return {
        key: part + torch.randn(part.shape, generator=noise) * (0.3 if part.dim() > 1 else 0.05)
        for key, part in model.state_dict().items()
    }


def scorer(encoder: Path, layout: str = "cross_encoder", *, seed: int = 0) -> CrossScorerModel:
    model = CrossScorerModel(str(encoder), device="cpu", batch_size=4)
    model.load_state_dict(scorer_state(encoder, layout, seed=seed))
    return model


def save_scorer(path: Path, encoder: Path, layout: str = "cross_encoder", *, seed: int = 0) -> Path:
    save_file(scorer_state(encoder, layout, seed=seed), path, metadata={"format": "pt"})
    return path


def some_pairs(count: int, *, seed: int = 0, longest: int = 20) -> list[tuple[str, str]]:
    texts = sentences(2 * count, seed=seed, longest=longest)
    return list(zip(texts[:count], texts[count:], strict=True))
