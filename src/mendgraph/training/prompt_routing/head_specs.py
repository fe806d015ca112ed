"""What makes a score of prompt and LLM, and what it is taught by."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mendgraph.training.prompt_routing.spec_base import Spec

__all__ = [
    "BradleyTerryLossSpec",
    "DavidsonLossSpec",
    "HeadSpec",
    "LossSpec",
    "MarginLossSpec",
    "MixtureHeadSpec",
    "RaoKupperLossSpec",
    "ReferenceHeadSpec",
    "RegressionLossSpec",
    "StrengthHeadSpec",
]


class ReferenceHeadSpec(Spec):
    """Prompt vector, features and LLM embedding side by side through a multi-layer perceptron."""

    kind: Literal["reference"] = "reference"


class StrengthHeadSpec(Spec):
    """Each LLM's strength on all prompts, and beside it a low-rank product of prompt and LLM."""

    kind: Literal["strength"] = "strength"
    rank: int = Field(default=16, ge=1)


class MixtureHeadSpec(Spec):
    """The same, and between the two what each LLM does on known groups of prompts (subjects, tasks) more or less than
    its strength says, weighed by how much the prompt is like them.  For ``ridge`` and outcomes with groups.

    Attributes:
        rank: of the product.
        penalty: of the least-squares fit that tells groups apart, see `RidgeSpec`.
        offset_penalty: of an LLM's offset in a group, in half nats.
    """

    kind: Literal["mixture"] = "mixture"
    rank: int = Field(default=16, ge=1)
    penalty: float = Field(default=10.0, gt=0.0)
    offset_penalty: float = Field(default=1.0, gt=0.0)


HeadSpec: TypeAlias = Annotated[
    ReferenceHeadSpec | StrengthHeadSpec | MixtureHeadSpec, Field(discriminator="kind")
]


class MarginLossSpec(Spec):
    """``max(0, margin - y (s_a - s_b))`` on scores in [-1, 1]; ties teach nothing."""

    kind: Literal["margin"] = "margin"
    margin: float = Field(default=0.2, gt=0.0, le=2.0)


class BradleyTerryLossSpec(Spec):
    """Likelihood of the winner (Bradley and Terry 1952); a tie is half a win for each."""

    kind: Literal["bradley_terry"] = "bradley_terry"


class DavidsonLossSpec(Spec):
    """Likelihood of win, tie and loss (Davidson 1970); how often equals tie is learned."""

    kind: Literal["davidson"] = "davidson"


class RaoKupperLossSpec(Spec):
    """Likelihood of win, tie and loss (Rao and Kupper 1967); the threshold of a tie is learned."""

    kind: Literal["rao_kupper"] = "rao_kupper"


class RegressionLossSpec(Spec):
    """Cross-entropy of the outcomes themselves, in [0, 1]; needs a table of outcomes."""

    kind: Literal["regression"] = "regression"


LossSpec: TypeAlias = Annotated[
    MarginLossSpec | BradleyTerryLossSpec | DavidsonLossSpec | RaoKupperLossSpec | RegressionLossSpec,
    Field(discriminator="kind"),
]
