"""How weights are found."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mendgraph.training.prompt_routing.spec_base import Rate, Spec

__all__ = [
    "AdamSpec",
    "AdamWSpec",
    "GradientSpec",
    "MuonSpec",
    "OptimizerSpec",
    "RidgeSpec",
]


class AdamWSpec(Spec):
    kind: Literal["adamw"] = "adamw"
    learning_rate: Rate = 1e-3
    weight_decay: float = Field(default=0.01, ge=0.0)
    betas: tuple[float, float] = (0.9, 0.999)


class AdamSpec(Spec):
    kind: Literal["adam"] = "adam"
    learning_rate: Rate = 1e-3
    weight_decay: float = Field(default=0.0, ge=0.0)
    betas: tuple[float, float] = (0.9, 0.999)


class MuonSpec(Spec):
    """Momentum orthogonalised by Newton-Schulz steps (Jordan et al. 2024) for matrices; AdamW for all else.

    Attributes:
        learning_rate, weight_decay, momentum, nesterov: of the matrices.
        other: what biases, embeddings and norms get.
    """

    kind: Literal["muon"] = "muon"
    learning_rate: Rate = 0.02
    weight_decay: float = Field(default=0.1, ge=0.0)
    momentum: float = Field(default=0.95, ge=0.0, lt=1.0)
    nesterov: bool = True
    other: AdamWSpec = AdamWSpec()


class RidgeSpec(Spec):
    """No epochs at all: the one minimum of a penalised fit, in seconds.

    For a frozen encoder, the strength or mixture head without hidden layers, and ``regression`` on outcomes.

    Attributes:
        link: ``logistic`` is the likelihood of outcomes, where what makes a prompt hard for every LLM is shared
            between them, see `fit_odds`; ``identity`` is least squares, for the strength head.
        penalty: of one unit of weight, in squared errors (identity) or half nats (logistic), where the inputs' mean
            squared distance from their mean is 1.
        shared_penalty: of the weights that all LLMs share, with the logistic link.
        grams_weight, features_weight: share of that distance that n-grams and prompt features have, as multiples of
            the encoder's states.
    """

    kind: Literal["ridge"] = "ridge"
    link: Literal["logistic", "identity"] = "logistic"
    penalty: float = Field(default=10.0, gt=0.0)
    shared_penalty: float = Field(default=2.0, gt=0.0)
    grams_weight: float = Field(default=1.0, ge=0.0)
    features_weight: float = Field(default=0.1, ge=0.0)


GradientSpec: TypeAlias = Annotated[AdamWSpec | AdamSpec | MuonSpec, Field(discriminator="kind")]
OptimizerSpec: TypeAlias = Annotated[AdamWSpec | AdamSpec | MuonSpec | RidgeSpec, Field(discriminator="kind")]
