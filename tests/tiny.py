"""Two-layer random models and a tokenizer, built in memory, saved as transformers and PEFT save real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    PreTrainedTokenizerFast,
)

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, write_artifact
from mendgraph.adapters.hub import weights_hash

_SENTENCE = """
    i you we they am is are was so not very happy sad angry afraid love hate great monday perfect today and but the a
    this text expresses joy sadness anger fear what why how never always really cat dog rain sun home work
"""
WORDS = _SENTENCE.split()
HIDDEN = 32
M = TypeVar("M", bound=nn.Module)
LABELS = ("joy", "sadness", "anger", "fear")
_COMMON: dict[str, Any] = {"vocab_size": len(WORDS) + 5, "max_position_embeddings": 64, "pad_token_id": 0}


def tokenizer(*, types: bool = True) -> PreTrainedTokenizerFast:
    """Words by white space, lower case, ``[CLS] ... [SEP]`` around."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    rust = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate([*special, *WORDS])}, unk_token="[UNK]")
    )
    rust.normalizer = normalizers.Lowercase()
    rust.pre_tokenizer = pre_tokenizers.Whitespace()
    rust.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=rust,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", *(["token_type_ids"] if types else []), "attention_mask"],
    )


def bert_config(**more: Any) -> BertConfig:
    return BertConfig(
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        **_COMMON,
        **more,
    )


def distilbert_config(**more: Any) -> DistilBertConfig:
    return DistilBertConfig(dim=HIDDEN, n_layers=2, n_heads=2, hidden_dim=48, **_COMMON, **more)


def bert(seed: int = 0) -> BertModel:
    torch.manual_seed(seed)
    return lively(BertModel(bert_config()))


def distilbert(seed: int = 0) -> DistilBertModel:
    torch.manual_seed(seed)
    return lively(DistilBertModel(distilbert_config()))


def lively(model: M) -> M:
    """Weights large enough that every layer and adapter shows in the output."""
    with torch.no_grad():
        for part in model.parameters():
            if part.dim() > 1:
                part.normal_(0, 0.3)
    return model.eval()


def save_encoder(folder: Path, model: BertModel | DistilBertModel | None = None) -> Path:
    model = model or bert()
    model.save_pretrained(folder)
    tokenizer(types=isinstance(model, BertModel)).save_pretrained(folder)
    return folder


def save_classifier(
    folder: Path, labels: Sequence[str] = LABELS, *, distil: bool = False, seed: int = 0, **config: Any
) -> Path:
    torch.manual_seed(seed)
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    model = (
        DistilBertForSequenceClassification(distilbert_config(**names, **config))
        if distil
        else BertForSequenceClassification(bert_config(**names, **config))
    )
    lively(model).save_pretrained(folder)
    tokenizer(types=not distil).save_pretrained(folder)
    return folder


def lora(
    model: nn.Module, targets: Sequence[str], *, rank: int = 4, seed: int = 1
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(tensors, adapter_config) in PEFT's format, random, for the linear layers named; never the pooler."""
    noise = torch.Generator().manual_seed(seed)
    state: dict[str, torch.Tensor] = {}
    for path, layer in model.named_modules():
        if isinstance(layer, nn.Linear) and path.split(".")[-1] in targets and "pooler" not in path:
            key = f"base_model.model.{path}"
            state[f"{key}.lora_A.weight"] = torch.randn(rank, layer.in_features, generator=noise) * 0.2
            state[f"{key}.lora_B.weight"] = torch.randn(layer.out_features, rank, generator=noise) * 0.2
    config = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 2 * rank,
        "target_modules": list(targets),
        "exclude_modules": r".*pooler.*",
    }
    return state, config


def save_adapter(
    folder: Path,
    encoder: Path,
    *,
    name: str = "tiny",
    seed: int = 1,
    labels: Sequence[str] = LABELS,
    signals: Sequence[str] = ("irony",),
    **settings: Any,
) -> Artifact:
    """An adapter artefact for a folder written by `save_encoder` with its default model."""
    folder.mkdir(parents=True, exist_ok=True)
    state, config = lora(bert(), ["query", "value", "dense"], seed=seed)
    noise = torch.Generator().manual_seed(seed)
    width = HIDDEN * (2 if settings.get("pooling") == "mean_max" else 1)
    heads = {}
    for head, rows in (("emotion", len(labels)), *((signal, 1) for signal in signals)):
        heads[f"{head}.weight"] = torch.randn(rows, width, generator=noise)
        heads[f"{head}.bias"] = torch.randn(rows, generator=noise)
    save_file(state, folder / "adapter_model.safetensors")
    save_file(heads, folder / "heads.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return write_artifact(
        folder,
        name=name,
        kind="adapter",
        task="emotion",
        files=["adapter_model.safetensors", "adapter_config.json", "heads.safetensors"],
        base_model=BaseModelRef(name="tiny-bert", sha256=weights_hash(encoder)),
        labels=tuple(labels),
        settings={"max_length": 32, **settings},
    )


def sentences(count: int, *, seed: int = 0, longest: int = 20) -> list[str]:
    """Random texts of 1 to `longest` known words."""
    noise = torch.Generator().manual_seed(seed)

    def number(below: int) -> int:
        return int(torch.randint(below, (1,), generator=noise))

    return [" ".join(WORDS[number(len(WORDS))] for _ in range(1 + number(longest))) for _ in range(count)]
