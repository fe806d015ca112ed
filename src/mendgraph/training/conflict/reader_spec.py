"""How a reader is trained, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ReaderSpec"]


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """One training run of a reader.

    Attributes:
        full: all weights are trained; else a LoRA adapter of `rank` on every linear layer.
        muon: Muon for the hidden matrices, AdamW for the rest; else AdamW for all.
        batch_sets: claim sets of one optimizer step.
        alone: documents of each set that are asked by themselves as well, chosen anew each time.
        alone_weight: of a token of what those say, and of whether documents agree, where one of the answer has 1.
        tokens_at_once: of one forward pass; None takes what suits the device.
        evaluations: measurements on dev, evenly over the run; the best weights are kept.
        eval_sets: of dev in each of them.
        gradient_checkpointing: less memory, a third more time.
    """

    learning_rate: float = 3e-3
    full: bool = True
    rank: int = 32
    muon: bool = True
    batch_sets: int = 32
    alone: int = 1
    alone_weight: float = 0.5
    warmup_steps: int = 20
    weight_decay: float = 0.1
    tokens_at_once: int | None = None
    evaluations: int = 8
    eval_sets: int = 200
    checkpoint_minutes: float = 4.0
    gradient_checkpointing: bool = False
    seed: int = 0
