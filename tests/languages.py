"""Two-layer random language models and a byte-level tokenizer, in memory and as folders."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.expert import Expert
from mendgraph.adapters.causal.host import Host
from mendgraph.adapters.causal.vocabulary import Vocabulary
from mendgraph.modules.expert_heads import ExpertHeads
from mendgraph.modules.stacked_lora import Lora
from tests.tiny import lively

NAMES = ("general", "math", "medical")
HIDDEN = 32
VOCABULARY = 300
_TEXT = "the cat sat on the mat and 12 + 30 = 42 while a dose of water helps the heart; naïve café 日本 😀. "
_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 256,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 1,
}
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """256 bytes, two special tokens and a few merges."""
    rust = Tokenizer(models.BPE())
    rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rust.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<end>", "<pad>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    rust.train_from_iterator([_TEXT] * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=rust, bos_token="<end>", eos_token="<end>", pad_token="<pad>", padding_side="left"
    )


def vocabulary() -> Vocabulary:
    return Vocabulary(tokenizer(), "the tiny tokenizer")


def qwen(seed: int = 0, **more: Any) -> PreTrainedModel:
    torch.manual_seed(seed)
    return lively(Qwen2ForCausalLM(Qwen2Config(**_SIZES | more)))


def llama(seed: int = 0, **more: Any) -> PreTrainedModel:
    torch.manual_seed(seed)
    return lively(LlamaForCausalLM(LlamaConfig(**_SIZES | more)))


def gemma(seed: int = 0) -> PreTrainedModel:
    """Sliding windows of 8 tokens in every other layer, and logits squeezed by tanh."""
    torch.manual_seed(seed)
    config = Gemma2Config(
        **_SIZES, head_dim=8, sliding_window=8, final_logit_softcapping=5.0, attn_implementation="eager"
    )
    return lively(Gemma2ForCausalLM(config))


MAKERS = {"qwen2": qwen, "llama": llama}


def peft_model(
    model: PreTrainedModel, *, rank: int = 4, seed: int = 1, targets: Sequence[str] = LINEAR
) -> Any:
    """`model` under a random LoRA adapter, by PEFT itself."""
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(targets), task_type="CAUSAL_LM")
    with warnings.catch_warnings():  # PEFT asks transformers for a name that is going away
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(model, config)
    noise = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, part in adapted.named_parameters():
            if "lora_" in name:
                part.copy_(torch.randn(part.shape, generator=noise) * 0.1)
    return adapted.eval()


def lora_of(adapted: Any) -> Lora:
    """What `adapted` would save."""
    from peft import get_peft_model_state_dict

    state = {
        name: part.clone()
        for name, part in get_peft_model_state_dict(adapted, save_embedding_layers=False).items()
    }
    config = adapted.peft_config["default"].to_dict()
    plain = {"peft_type": "LORA", "target_modules": sorted(config["target_modules"])}
    return Lora(state, config | plain)


def apart(makers: Sequence[str] = ("qwen2", "qwen2", "qwen2")) -> Ensemble:
    """Experts that are models of their own."""
    hosts = [Host.of(MAKERS[name](seed)) for seed, name in enumerate(makers)]
    return Ensemble([Expert(name, "memory") for name in NAMES[: len(hosts)]], hosts, vocabulary())


def adapted(maker: str = "qwen2", *, ranks: Sequence[int | None] = (4, 4, 4)) -> Ensemble:
    """Experts that are adapters over one base; rank None is the base itself."""
    loras = [
        None if rank is None else lora_of(peft_model(MAKERS[maker](), rank=rank, seed=seed))
        for seed, rank in enumerate(ranks)
    ]
    host = Host.of(MAKERS[maker](), loras)
    return Ensemble([Expert(name, "memory") for name in NAMES[: len(loras)]], [host], vocabulary())


def heads(experts: Sequence[str] = NAMES, *, seed: int = 4, fusion_rank: int = 0, **more: Any) -> ExpertHeads:
    """Random ones, loud enough to change their mind from token to token."""
    torch.manual_seed(seed)
    made = ExpertHeads(experts, HIDDEN, hidden_dims=(16, 8), fusion_rank=fusion_rank, **more)
    torch.manual_seed(seed)  # the same ones, with and without fusion
    with torch.no_grad():
        made.weights[-1].normal_(0, 1.0)
        if fusion_rank:
            made.fusion_up.normal_(0, 0.1)
    return made.eval()


def save_model(folder: Path, model: PreTrainedModel) -> Path:
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def save_peft(folder: Path, adapted_model: Any) -> Path:
    adapted_model.save_pretrained(folder)
    return folder
