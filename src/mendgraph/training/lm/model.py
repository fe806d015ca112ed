"""The base model, its adapters, and how both are put on disk in fp16."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, PreTrainedTokenizerBase

from mendgraph.errors import DataError
from mendgraph.training.lm.spec import AdapterSpec, ModelSpec

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SHARD = "14MB"
"""Weights are cut into files of this size: code hosts and mirrors refuse or slow down on larger ones."""

BASE_FOLDER = "base"
ADAPTER_CONFIG = "adapter_config.json"
_PART = ".part"
_OLD = ".old"

Precision = Callable[[], AbstractContextManager[Any]]


def new_base(spec: ModelSpec, tokenizer: PreTrainedTokenizerBase, seed: int) -> PreTrainedModel:
    """A model with random weights, in fp32."""
    config = LlamaConfig(
        vocab_size=spec.vocab_size,
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.num_layers,
        num_attention_heads=spec.num_heads,
        num_key_value_heads=spec.num_kv_heads,
        head_dim=spec.hidden_size // spec.num_heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
    )
    torch.manual_seed(seed)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return model


def load_base(folder: Path) -> PreTrainedModel:
    """In fp32, whatever the folder holds."""
    if not (folder / "config.json").is_file():
        raise DataError(f"no model in {str(folder)!r}", hint="mend train lm --part base")
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True
    )
    return model


def with_adapter(base: PreTrainedModel, spec: AdapterSpec, seed: int) -> nn.Module:
    """The base with a fresh LoRA adapter (Hu et al. 2021) on every linear layer; only the adapter is trained."""
    from peft import LoraConfig  # three seconds to import

    from mendgraph.training.lora import adapted

    torch.manual_seed(seed)
    config = LoraConfig(
        r=spec.rank,
        lora_alpha=spec.alpha,
        target_modules=list(LINEAR),
        lora_dropout=0.0,
        task_type="CAUSAL_LM",
    )
    found: nn.Module = adapted(base, config)
    return found


def has_compiler(device: torch.device) -> bool:
    """Whether compiled training can be expected to run: on CUDA, or on a CPU beside a C++ compiler."""
    return device.type == "cuda" or (device.type == "cpu" and shutil.which("g++") is not None)


def compile_layers(model: PreTrainedModel, device: torch.device) -> None:
    """Compiles each decoder layer in place: seconds instead of the minute that a whole model takes."""
    if (
        device.type == "cpu"
    ):  # the compiler fuses plain attention; torch's own kernel takes twice the time of all else
        model.set_attn_implementation("eager")
    for layer in model.get_submodule("model.layers").children():
        layer.compile(dynamic=False)


def precision_for(device: torch.device) -> Precision:
    """bf16 arithmetic on a GPU made for it; weights and gradients stay in fp32.  On a CPU a `Twin` does that."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return partial(torch.autocast, "cuda", dtype=torch.bfloat16)
    return nullcontext


def save_base(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """A folder for `AutoModelForCausalLM` and `AutoTokenizer`; replaces an older one as a whole."""
    config = deepcopy(model.config)
    config.use_cache = True  # Trainer switches it off; who generates wants it
    copy = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    copy.load_state_dict(model.state_dict())
    part = _fresh(folder)
    copy.half().save_pretrained(part, max_shard_size=SHARD)
    tokenizer.save_pretrained(part)
    _put(part, folder)


def save_adapter(model: Any, folder: Path) -> None:
    """A PEFT folder; `adapter_config.json` names its base by the folder beside it."""
    part = _fresh(folder)
    state = {name: tensor.detach().half() for name, tensor in model.state_dict().items()}
    model.save_pretrained(part, state_dict=state, save_embedding_layers=False)
    (part / "README.md").unlink(
        missing_ok=True
    )  # PEFT's card says nothing; ours is written with the manifest
    config = json.loads((part / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = BASE_FOLDER  # not the path it happened to have where it was trained
    (part / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _put(part, folder)


def has_bf16() -> bool:
    """Whether this CPU multiplies matrices in bf16, and does not only imitate it."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", bool)
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and bool(supported())


def _fresh(folder: Path) -> Path:
    part = folder.with_name(folder.name + _PART)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    return part


def _put(part: Path, folder: Path) -> None:
    old = folder.with_name(folder.name + _OLD)
    shutil.rmtree(old, ignore_errors=True)
    for file in part.iterdir():
        file.chmod(0o644)  # safetensors writes files that only their owner can read
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
