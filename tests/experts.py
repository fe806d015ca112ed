"""Tiny experts that know one domain each, over one byte-level vocabulary, and passages of one and of two domains."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.lm.tokenizer import train_tokenizer
from mendgraph.training.token_routing import recipe
from mendgraph.training.token_routing.passages import DOMAINS, FILE, Passage, columns
from mendgraph.training.token_routing.spec import HeadSpec

WORDS = {
    "general": "king river house tree story night letter road",
    "math": "sum number minus equals seven nine twelve half",
    "medical": "pain dose doctor fever nurse blood heart tablet",
}
CONTEXT = 64


def stretch(domain: str, seed: int, words: int = 8) -> str:
    stock = WORDS[domain].split()
    noise = torch.Generator().manual_seed(seed)
    return " ".join(stock[int(torch.randint(len(stock), (1,), generator=noise))] for _ in range(words))


def passages(split: str, count: int, *, seed: int = 0) -> list[Passage]:
    """Of each domain, and as many mixed ones of two stretches."""
    found = []
    for number in range(count):
        at = seed * 10_000 + number
        for place, domain in enumerate(DOMAINS):
            found.append(
                Passage(
                    f"{domain}-{split}-{number}", domain, split, (stretch(domain, 7 * at + place),), (domain,)
                )
            )
        first, second = DOMAINS[number % 3], DOMAINS[(number + 1) % 3]
        texts = (stretch(first, 11 * at, 5), "\n\n" + stretch(second, 13 * at + 1, 5))
        found.append(Passage(f"mixed-{split}-{number}", "mixed", split, texts, (first, second)))
    return found


def save_experts(folder: Path, *, steps: int = 40) -> tuple[Expert, ...]:
    """One small Llama per domain, trained for a second on its words."""
    texts = [text for words in WORDS.values() for text in (words, *words.split())] * 4
    tokenizer = train_tokenizer(texts, 300, context=CONTEXT)
    found = []
    for number, domain in enumerate(DOMAINS):
        torch.manual_seed(number)
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=300,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                intermediate_size=48,
                max_position_embeddings=CONTEXT,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        for step in range(steps):
            rows = [tokenizer.encode(stretch(domain, 1000 * step + row, 12))[:16] for row in range(8)]
            ids = torch.tensor(rows)
            loss = model(ids, labels=ids).loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.save_pretrained(folder / domain)
        tokenizer.save_pretrained(folder / domain)
        found.append(Expert(domain, str(folder / domain)))
    return tuple(found)


def open_experts(folder: Path) -> Ensemble:
    return Ensemble.open(save_experts(folder), device="cpu")


def save_router(out: Path, *parts: str) -> Path:
    """Experts, heads of some modes, policy; the configuration that names them."""
    experts = save_experts(out / "experts")
    rows = [*passages("train", 8), *passages("dev", 3, seed=1)]
    strings = dict.fromkeys(("doc", "source", "split", "texts", "domains"), "string")
    write_table(out / "data" / FILE, columns(rows), strings)
    spec = HeadSpec(num_epochs=4, batch_size=8, learning_rate=5e-3, head_hidden_dim=32, device="cpu")
    options = recipe.Options(experts=experts, spec=spec)
    for part in parts:
        recipe.make(part, out / "data", out / "heads", options)
    stanza = {
        "experts": {one.name: {"path": one.path} for one in experts},
        "heads": str(out / "heads"),
        "policy": str(out / "heads" / "policy"),
        "chunk": 4,
        "max_new_tokens": 12,
        "device": "cpu",
    }
    config = out / "mendgraph.yaml"
    config.write_text(json.dumps({"token_routing": stanza}))
    return config
