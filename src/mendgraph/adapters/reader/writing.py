"""Tokens of an answer: how they are chosen, and what was written."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from mendgraph.errors import BadOutput, ConfigError

__all__ = ["Sampling", "Written", "chosen"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """
    Attributes:
        temperature: above 0; 1 is the model's own distribution.
    """

    temperature: float = 0.7
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ConfigError(
                f"temperature: must be above 0, got {self.temperature}",
                hint="for no chance at all, do not sample",
            )


@dataclass(frozen=True, slots=True)
class Written:
    """One answer.

    Attributes:
        ids: tokens, the one that ended it included.
        log_probabilities: natural logarithm of what the model gave each of them, at temperature 1.
        ended: whether the model ended it; else the limit did.
    """

    text: str
    ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    ended: bool

    @property
    def probability(self) -> float:
        """Of the whole answer, in [0, 1]."""
        return math.exp(sum(self.log_probabilities))


def chosen(logits: Tensor, sampling: Sampling | None, noise: Generator | None) -> tuple[Tensor, Tensor]:
    """(B, V) -> token and its log-probability of each row, (B,) both.

    Raises:
        BadOutput: logits are not finite.
    """
    if not bool(torch.isfinite(logits).all()):
        raise BadOutput(
            "the reader's logits are not finite",
            hint="load it with precision fp32, or undo what changed its states",
        )
    logs = logits.log_softmax(-1)
    if sampling is None:
        tokens = logs.argmax(-1)
    else:
        spread = (logits / sampling.temperature).softmax(-1)
        tokens = torch.multinomial(spread, 1, generator=noise)[:, 0]
    return tokens, logs.gather(1, tokens[:, None])[:, 0]
