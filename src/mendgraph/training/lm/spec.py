"""What is trained: sizes, schedules and mixtures, as plain values that a bare machine can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

DOMAINS = ("general", "math", "medical")


def _base_mix() -> dict[str, float]:
    return {"general": 0.48, "math": 0.20, "medical": 0.32}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Shape of the base model, a Llama: RMSNorm, rotary positions, SwiGLU, tied embeddings.

    The default has 8.0 M parameters, 16 MB in fp16; three adapters of rank 16 on it add 3.6 MB.  Heads are as wide
    as they are few: on a CPU the scores of attention cost more than their arithmetic.
    """

    vocab_size: int = 8192
    hidden_size: int = 256
    num_layers: int = 8
    num_heads: int = 4
    num_kv_heads: int = 2
    intermediate_size: int = 704
    context: int = 512


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One training run.

    Attributes:
        muon: Muon for the hidden matrices, AdamW for the rest; else AdamW for all.
        decays: the learning rate falls to zero over the run; else it stays, and the run can be extended.
        window: tokens of a training window; None takes the model's context.
        batch_tokens: tokens of one optimizer step.
        mix: domain -> share of the training tokens; shares are normalised.
        evaluations: measurements on dev, evenly over the run; the best weights are kept where it makes weights.
        eval_blocks: windows per domain in each of them; the last measurement takes all of dev.
        checkpoint_minutes: between checkpoints that `resume` can go on from.
    """

    learning_rate: float
    muon: bool = False
    decays: bool = True
    window: int | None = None
    batch_tokens: int = 65_536
    warmup_steps: int = 100
    weight_decay: float = 0.1
    mix: Mapping[str, float] = field(default_factory=_base_mix)
    evaluations: int = 12
    eval_blocks: int = 256
    checkpoint_minutes: float = 5.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class AdapterSpec:
    """LoRA on every linear layer."""

    rank: int = 16
    alpha: int = 32


BASE = RunSpec(learning_rate=5e-3, muon=True, decays=False, window=256)
DECAY = replace(BASE, decays=True, window=None)
ADAPTER = RunSpec(learning_rate=2e-3, warmup_steps=10, weight_decay=0.0, evaluations=8)
FULL = RunSpec(learning_rate=1e-3, warmup_steps=50, evaluations=8)
OWN_SHARE = 0.9
"""Share of an expert's batches from its own domain; the rest keeps it able to follow any prompt."""


def expert_mix(domain: str) -> dict[str, float]:
    rest = (1 - OWN_SHARE) / (len(DOMAINS) - 1)
    return {name: OWN_SHARE if name == domain else rest for name in DOMAINS}


@dataclass(frozen=True, slots=True)
class Limit:
    """When a run ends: at `deadline` on the monotonic clock, after `steps` optimizer steps, or at the first of both."""

    steps: int | None = None
    deadline: float | None = None
