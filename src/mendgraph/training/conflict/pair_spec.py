"""How a classifier of two texts is made and trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairSpec:
    """
    Attributes:
        model: the encoder: "embedded", a folder, or a hub name.
        max_length: tokens of both texts.
        r, lora_alpha, target_modules, top_layers: of the adapters, in that many upper layers.
        head_width, dropout: of the head.
        epochs, batch_rows, batch_tokens: at most so many rows, and rows times the longest row, per step.
        claim_sets: how many of the claim sets of train it learns to read from, beside what other data there are.
        compared_sets: of the types classifier: how many the part of its head that only compares learns from, beside all
            pairs of other sources.
        compared_epochs, compared_rows, compared_rate: of that part.
        start: artefact of an earlier classifier whose adapters and reading part are taken as they are, so that only the
            comparing part is trained; its head may know fewer features.
        minutes: training ends with the epoch that is under way when they are over; None for no limit.
    """

    model: str = "embedded"
    max_length: int = 192
    r: int = 16
    lora_alpha: int = 32
    target_modules: tuple[str, ...] = ("query", "key", "value", "dense")
    top_layers: int = 3
    head_width: int = 192
    dropout: float = 0.1
    epochs: int = 2
    batch_rows: int = 32
    batch_tokens: int = 3072
    learning_rate: float = 6e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    claim_sets: int = 4000
    compared_sets: int = 5000
    compared_epochs: int = 20
    compared_rows: int = 128
    compared_rate: float = 2e-3
    start: str | None = None
    precision: str = "auto"
    minutes: float | None = None
    seed: int = 0
