"""A tiny base for readers, whose tokenizer knows the words of claim sets."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mendgraph.training.conflict.claims.sets import claim_sets
from mendgraph.training.lm.tokenizer import train_tokenizer

ROOM = 512
SETS = list(claim_sets("train", 24))


def save_base(folder: Path) -> Path:
    texts = [text for one in SETS for text in (one.question, *(document.text for document in one.documents))]
    tokenizer = train_tokenizer(texts, 700, context=ROOM)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            num_key_value_heads=1,
            intermediate_size=48,
            max_position_embeddings=ROOM,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
