"""How router heads are trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mendgraph.errors import ConfigError, UnknownNameError

Mode = Literal["soft", "hard", "lazy", "fusion"]
Tracker = Literal["none", "tensorboard", "trackio", "wandb", "mlflow"]


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """One training run; names as in the reference document where it has one.

    Attributes:
        mode: how the experts will decode, which decides the loss; see `losses`.
        datasets: of `questions.SETS` and ``heldout``, by name or by hub name; empty for held-out text alone.
        batch_size: passages per step.
        warmup_steps: of the learning rate, which then falls to zero along a cosine.
        entropy_weight: reward for spread weights at every token; against specialisation, so 0 unless asked for.
        load_balance_weight: penalty for experts that a batch leaves idle.
        switch_weight: for ``lazy``: nats that a change of expert is held to cost.
        tolerance: an expert is good enough within so many nats of the best one; what its trust is about.
        heard_share: for ``lazy``: at how many tokens all experts are heard, at most; decides when they doubt.
        head_hidden_dim: H-`head_hidden_dim`-half of it-1.
        fusion_rank: for ``fusion``: inner width of the complement.
        report_to: where else metrics go; each needs its own package.
    """

    mode: Mode = "soft"
    datasets: tuple[str, ...] = ()
    num_epochs: int = 8
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup_steps: int = 50
    entropy_weight: float = 0.0
    load_balance_weight: float = 0.01
    switch_weight: float = 0.05
    tolerance: float = 0.05
    heard_share: float = 0.2
    head_hidden_dim: int = 256
    head_dropout: float = 0.1
    fusion_rank: int = 64
    seed: int = 42
    device: str = "auto"
    log_every_n_steps: int = 5
    report_to: Tracker = "none"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("mode", self.mode, get_args(Mode)),
            ("tracker", self.report_to, get_args(Tracker)),
        ):
            if value not in known:
                raise UnknownNameError(what, value, known)
        for name in ("num_epochs", "batch_size", "head_hidden_dim", "log_every_n_steps", "fusion_rank"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: expected at least 1, got {getattr(self, name)!r}")
        for name in ("warmup_steps", "load_balance_weight", "switch_weight", "tolerance", "weight_decay"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}: expected at least 0, got {getattr(self, name)!r}")
        if not 0 < self.heard_share <= 1:
            raise ConfigError(f"heard_share: expected a number in (0, 1], got {self.heard_share!r}")
        if not self.learning_rate > 0 or not 0 <= self.head_dropout < 1:
            raise ConfigError(
                f"learning_rate {self.learning_rate!r} must be above 0, head_dropout {self.head_dropout!r} in [0, 1)"
            )

    @property
    def hidden_dims(self) -> tuple[int, int]:
        return self.head_hidden_dim, max(1, self.head_hidden_dim // 2)
