"""The two sides of a comparison over the same weights: a mendgraph tier and a Hugging Face pipeline.

The pipeline's model has the tier's LoRA merged into its encoder by PEFT and the tier's head on the same pooling,
so that its forward pass is as cheap as it can be.  Equal outputs are asserted before anything is timed.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from logging import CRITICAL
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoTokenizer,
    DistilBertConfig,
    DistilBertModel,
    PreTrainedModel,
    TextClassificationPipeline,
)
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging

from mendgraph.adapters.adapter_tier import AdapterTier
from mendgraph.adapters.artifacts import Artifact, open_artifact, resolve, write_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.hub import locate, weights_hash
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import ArtifactMissing
from mendgraph.graphs.emotion import LABELS
from mendgraph.modules.pooling import pool

MAX_LENGTH = 128
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Pair:
    """A tier and the pipeline that computes the same."""

    name: str
    weights: str
    max_length: int
    tier: AdapterTier
    pipeline: TextClassificationPipeline

    @property
    def arguments(self) -> dict[str, Any]:
        """All labels' scores, and texts cut where the tier cuts them."""
        return {"top_k": None, "truncation": True, "max_length": self.max_length}

    def scores(self, text: str) -> dict[str, float]:
        """What the pipeline says."""
        said: Any = self.pipeline(text, **self.arguments)
        return {row["label"]: row["score"] for row in said}


class PooledClassifier(PreTrainedModel):
    """An encoder, a pooling and a linear head, as a pipeline wants them."""

    _supports_sdpa = True  # the encoder inside keeps the attention it was loaded with, the fast one

    def __init__(
        self, encoder: PreTrainedModel, head: nn.Linear, labels: Sequence[str], pooling: str
    ) -> None:
        config = encoder.config
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: index for index, label in enumerate(labels)}
        config.problem_type = "single_label_classification"
        super().__init__(config)
        self.encoder, self.head, self.pooling = encoder, head, pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SequenceClassifierOutput:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.head(pool(self.pooling, states, attention_mask)))


def quiet() -> None:
    """transformers warns that it does not know `PooledClassifier`, and draws bars; neither is news."""
    logging.set_verbosity(CRITICAL)
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def embedded_pair(folder: Path) -> Pair:
    """The shipped primary tier; a random adapter of the same shape where none is installed."""
    quiet()
    base = locate("embedded")
    try:
        artifact, weights = open_artifact(resolve("embedded:emotion/primary")), "shipped"
    except ArtifactMissing:
        artifact, weights = (
            random_adapter(folder / "adapter", base, ["query", "key", "value", "dense"]),
            "random",
        )
    return _pair("embedded encoder", weights, base, artifact)


def distilbert_pair(folder: Path) -> Pair:
    """DistilBERT's shape (66 M parameters) with random weights, LoRA as in the reference document."""
    quiet()
    torch.manual_seed(0)
    base = folder / "distilbert"
    DistilBertModel(DistilBertConfig(vocab_size=30522)).save_pretrained(base)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        if (source := locate("embedded") / name).is_file():  # the same uncased vocabulary
            shutil.copy(source, base / name)
    return _pair(
        "DistilBERT size", "random", base, random_adapter(folder / "adapter", base, ["q_lin", "v_lin"])
    )


def random_adapter(folder: Path, base: Path, targets: Sequence[str]) -> Artifact:
    """LoRA of rank 8 with both factors random (PEFT starts with one at zero), and two heads."""
    torch.manual_seed(1)
    model = AutoModel.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(r=8, lora_alpha=16, target_modules=list(targets))
    tuned = get_peft_model(model, config)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.01)
    tuned.save_pretrained(str(folder))
    width = model.config.hidden_size
    heads = {"emotion.weight": torch.randn(len(LABELS), width) / 4, "emotion.bias": torch.zeros(len(LABELS))}
    heads |= {"irony.weight": torch.randn(1, width) / 4, "irony.bias": torch.zeros(1)}
    save_file(heads, folder / "heads.safetensors")
    return write_artifact(
        folder,
        name="benchmark",
        kind="adapter",
        task="emotion",
        files=["adapter_model.safetensors", "adapter_config.json", "heads.safetensors"],
        labels=LABELS,
        base_model={"name": base.name, "sha256": weights_hash(base)},
        settings={"max_length": MAX_LENGTH, "pooling": "mean"},
    )


def _pair(name: str, weights: str, base: Path, artifact: Artifact) -> Pair:
    encoder = SharedEncoder.open(str(base), device="cpu", max_length=MAX_LENGTH, batch_size=32)
    tier = AdapterTier("primary", encoder, artifact)
    limit = int(artifact.manifest.settings.get("max_length", MAX_LENGTH))
    return Pair(name, weights, limit, tier, _pipeline(base, artifact))


def _pipeline(base: Path, artifact: Artifact) -> TextClassificationPipeline:
    bare = AutoModel.from_pretrained(base, dtype=torch.float32)
    merged = PeftModel.from_pretrained(bare, artifact.folder).merge_and_unload()
    if getattr(merged, "pooler", None) is not None:
        merged.pooler = None  # unused by the tier's pooling; the pipeline need not pay for it either
    task, heads = artifact.manifest.task, load_file(artifact.path("heads.safetensors"))
    outputs, width = heads[f"{task}.weight"].shape
    head = nn.Linear(width, outputs)
    head.load_state_dict({"weight": heads[f"{task}.weight"], "bias": heads[f"{task}.bias"]})
    labels = artifact.manifest.labels
    model = PooledClassifier(merged, head, labels, str(artifact.manifest.settings.get("pooling", "mean")))
    model.train(False)
    return TextClassificationPipeline(
        model=model, tokenizer=AutoTokenizer.from_pretrained(base), device="cpu"
    )


def check_equal(pair: Pair, texts: Sequence[str]) -> float:
    """Largest difference of any probability; refused above the tolerance."""
    worst = 0.0
    for text, said in zip(texts, pair.tier.predict([Input(text) for text in texts]), strict=True):
        assert isinstance(said, Prediction), said
        other = pair.scores(text)
        worst = max(worst, float(np.max([abs(said.scores[label] - other[label]) for label in LABELS])))
    if worst > TOLERANCE:
        raise AssertionError(f"{pair.name}: the sides differ by {worst:.2e}, so they are not comparable")
    return worst
