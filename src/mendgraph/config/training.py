"""How models are trained."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from mendgraph.config.frozen import Frozen


class ModelSpec(Frozen):
    """Which base model is trained."""

    name: str = "embedded"
    num_labels: int = Field(default=8, ge=2)
    max_length: int = Field(default=128, ge=8, le=8192)


class LoraSpec(Frozen):
    """Low-rank adaptation, as in Hu et al. 2021; names as in PEFT."""

    r: int = Field(default=32, ge=1, le=512)
    lora_alpha: int = Field(default=32, ge=1)
    lora_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    target_modules: tuple[str, ...] = ("query", "key", "value", "dense")


class TrainingSpec(Frozen):
    """How it is trained; names as in transformers' TrainingArguments where they have one."""

    num_epochs: int = Field(default=3, ge=1)
    batch_size: int = Field(default=32, ge=1)
    gradient_accumulation_steps: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0.0)
    warmup_steps: int = Field(default=300, ge=0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    aux_weight: float = Field(default=0.25, ge=0.0)
    irony_weight: float = Field(default=1.2, ge=0.0)
    early_stopping_patience: int = Field(default=2, ge=1)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    bootstrap: bool = False
    seed: int = Field(default=0, ge=0, lt=2**32)


class ReflectionTrainingSpec(Frozen):
    """How the reflection scorer is trained; names as in PEFT and transformers where they have one.

    Attributes:
        model: the encoder: ``embedded``, a folder, or a hub name of a BERT.
        layers: how many of the encoder's upper layers the head reads.
        head_width, head_dropout: of the head.
        r, lora_alpha, target_modules: of the adapters, which the `top_layers` upper layers get.
        encoder_dropout: in the encoder while they are tuned.
        head_epochs: the head alone, on states that stay the same; then `num_epochs` of head and adapters together.
        objective: ``margin`` (Min et al. 2022), ``one_gap`` (the same margin for every pair of levels), ``mse``.
        likelihood: weight of the levels' cross-entropy beside the margins.
        complex_weight: of the margin between complex and simple reflections, which is the hardest.
        mismatches: reflections of other prompts per prompt and step, from `mismatch_pool` of them; 0 for none.
        mismatch_share: how many reflections answer another prompt where the scorer is used: assumed, not measured.
        match_sharpness: power to which the odds of a match are raised, after their calibration.
        batch_prompts: prompts per step, each with all its responses.
        blind: hide the prompt; a baseline, not a model.
        folds: file of the cross-validation, which `mend train reflection --part folds` writes.
    """

    model: str = "embedded"
    max_length: int = Field(default=256, ge=8, le=8192)
    layers: int = Field(default=6, ge=1)
    r: int = Field(default=16, ge=1, le=512)
    lora_alpha: int = Field(default=32, ge=1)
    target_modules: tuple[str, ...] = ("query", "value", "dense")
    top_layers: int = Field(default=3, ge=1)
    encoder_dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    head_width: int = Field(default=256, ge=1)
    head_dropout: float = Field(default=0.5, ge=0.0, lt=1.0)
    objective: Literal["margin", "one_gap", "mse"] = "margin"
    likelihood: float = Field(default=1.0, ge=0.0)
    complex_weight: float = Field(default=2.0, ge=0.0)
    mismatches: int = Field(default=4, ge=0)
    mismatch_pool: int = Field(default=12, ge=1)
    mismatch_share: float = Field(default=0.05, gt=0.0, lt=1.0)
    match_sharpness: float = Field(default=2.0, gt=0.0)
    batch_prompts: int = Field(default=8, ge=1)
    head_epochs: int = Field(default=20, ge=1)
    head_learning_rate: float = Field(default=1e-3, gt=0.0)
    num_epochs: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=5e-4, gt=0.0)
    tuned_head_learning_rate: float = Field(default=1e-4, gt=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    blind: bool = False
    seed: int = Field(default=0, ge=0, lt=2**32)
    folds: Path = Path("runs/reflection/folds.jsonl")
