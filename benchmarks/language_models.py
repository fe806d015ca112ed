"""Language models with random weights, adapters over them, and ensembles of both: as large and slow as real ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging

from benchmarks.harness import Figure, machine, report
from mendgraph.adapters.causal.decoding import Decoder
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.host import Host
from mendgraph.adapters.causal.state import Mode, Options
from mendgraph.adapters.causal.vocabulary import Vocabulary
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.modules.stacked_lora import Lora

NAMES = ("general", "math", "medical")
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
RANK = 16
PROMPT = 32  # tokens
PAD = 1


@dataclass(frozen=True, slots=True)
class Size:
    """Shape of a Llama with tied embeddings, and how much of it is timed.

    Attributes:
        new: tokens written in a run.
        repeats: runs of each side.
    """

    name: str
    vocab_size: int
    hidden_size: int
    layers: int
    heads: int
    kv_heads: int
    intermediate_size: int
    new: int
    repeats: int


EMBEDDED = Size("8 M", 8192, 256, 8, 4, 2, 704, new=64, repeats=11)
SMALL = Size("12.5 M", 8192, 384, 6, 6, 3, 960, new=64, repeats=11)
LARGE = Size("107 M", 32000, 768, 12, 12, 4, 2304, new=40, repeats=5)
SIZES = (EMBEDDED, SMALL, LARGE)
"""The first has the shape of the embedded base."""


def model(size: Size, seed: int = 0) -> PreTrainedModel:
    """It never ends a text by itself, so that every run writes equally many tokens."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=size.vocab_size,
        hidden_size=size.hidden_size,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        head_dim=size.hidden_size // size.heads,
        intermediate_size=size.intermediate_size,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=PAD,
    )
    made: PreTrainedModel = LlamaForCausalLM(config).eval().requires_grad_(False)
    return made


def with_adapters(base: PreTrainedModel, names: Sequence[str] = NAMES) -> Any:
    """PEFT's model with a random adapter under each name; the first is active."""
    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=list(LINEAR), task_type="CAUSAL_LM")
    with warnings.catch_warnings():  # PEFT asks transformers for a name that is going away
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(base, config, adapter_name=names[0])
    for name in names[1:]:
        adapted.add_adapter(name, config)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for path, part in adapted.named_parameters():
            if "lora_" in path:
                part.copy_(torch.randn(part.shape, generator=noise) * 0.02)
    return adapted.eval().requires_grad_(False)


def stacked(size: Size, adapted: Any, names: Sequence[str] = NAMES) -> Ensemble:
    """The same adapters over a base of its own, in our form."""
    plain = {"peft_type": "LORA", "r": RANK, "lora_alpha": 2 * RANK, "target_modules": list(LINEAR)}
    loras = [
        Lora(get_peft_model_state_dict(adapted, adapter_name=name, save_embedding_layers=False), plain)
        for name in names
    ]
    return ensemble([Host.of(model(size), loras)], names)


def ensemble(hosts: Sequence[Host], names: Sequence[str]) -> Ensemble:
    return Ensemble([Expert(name, "in memory") for name in names], hosts, _vocabulary(hosts[0].vocab_size))


def random_heads(experts: Ensemble, seed: int = 0) -> ExpertHeads:
    torch.manual_seed(seed)
    heads = ExpertHeads(experts.names, experts.hidden_size)
    torch.nn.init.normal_(heads.weights[-1], std=1.0)
    return heads.eval().requires_grad_(False)


def prompts(count: int, vocab_size: int) -> list[list[int]]:
    """Rows of `PROMPT` ids, each after the first a little shorter, so that a batch is padded."""
    noise = torch.Generator().manual_seed(1)
    return [torch.randint(2, vocab_size, (PROMPT - 3 * n,), generator=noise).tolist() for n in range(count)]


def padded(rows: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """What `generate` wants of them."""
    width = max(map(len, rows))
    return {
        "input_ids": torch.tensor([[PAD] * (width - len(row)) + list(row) for row in rows]),
        "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]),
    }


def generate(one: Any, rows: Sequence[Sequence[int]], new: int, **more: Any) -> list[list[int]]:
    """Greedy ids after each row, by transformers."""
    inputs = padded(rows)
    with torch.inference_mode():
        found = one.generate(**inputs, max_new_tokens=new, do_sample=False, **more)
    ids: list[list[int]] = found[:, inputs["input_ids"].shape[1] :].tolist()
    return ids


def write(
    decoder: Decoder,
    rows: Sequence[Sequence[int]],
    new: int,
    mode: Mode,
    expert: str | None = None,
    doubt: float = 0.5,
) -> list[list[int]]:
    """Greedy ids after each row, by us."""
    options = Options(mode=mode, expert=expert, max_new_tokens=new, doubt=doubt)
    return [list(row.ids) for row in decoder.decode(decoder.begin(rows, options)).rows]


def each_size(measure: str, what: str, figures: Callable[[Size], list[Figure]], repeats: int | None) -> None:
    """Measures every size and writes the report; `repeats` instead of each size's own, for a quick look."""
    logging.set_verbosity_error()
    before = machine()
    sizes = [replace(size, repeats=repeats or size.repeats) for size in SIZES]
    report(measure, what, [one for size in sizes for one in figures(size)], before)


def parameters(one: PreTrainedModel) -> int:
    return sum(part.numel() for part in one.parameters())


@cache
def _vocabulary(size: int) -> Vocabulary:
    """Bytes, and words that stand for nothing, so that every id has a text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ["<end>", "<pad>", *alphabet]
    pairs = [(a, b) for a in alphabet for b in alphabet][: size - len(words)]
    words += [a + b for a, b in pairs]
    rust = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, pairs))
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = decoders.ByteLevel()
    return Vocabulary(
        PreTrainedTokenizerFast(tokenizer_object=rust, pad_token="<pad>"), "the benchmark's tokenizer"
    )
