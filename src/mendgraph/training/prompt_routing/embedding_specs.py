"""What an embedding of an LLM is learned from."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from mendgraph.training.prompt_routing.optimizer_specs import AdamWSpec, GradientSpec
from mendgraph.training.prompt_routing.spec_base import Dims, Dropout, Spec
from mendgraph.training.prompt_routing.tuning_specs import FinetuningSpec, FrozenSpec, LoraSpec

__all__ = [
    "EMBEDDED",
    "AttentionEmbeddingSpec",
    "EmbeddingSpec",
    "FinetunableEmbeddingSpec",
    "FrozenEmbeddingSpec",
    "OutcomesEmbeddingSpec",
]


EMBEDDED = "embedded"


class _Responses(Spec):
    """Of embeddings learned from what the LLMs answered.

    Attributes:
        encoder_model_name: ``embedded``, a folder, or a hub name.
        hidden_dims: of the layers over the encoder; the last is the embedding's width.
        margin: of the triplet loss, in cosine distance.
        answers_per_model: most answers of one LLM that are read.
        batch_size: triplets, or sets, per step.
    """

    encoder_model_name: str = EMBEDDED
    hidden_dims: Dims = Field(default=(128, 64), min_length=1)
    dropout: Dropout = 0.1
    margin: float = Field(default=0.2, gt=0.0)
    max_length: int = Field(default=128, ge=8, le=8192)
    answers_per_model: int = Field(default=200, ge=2)
    batch_size: int = Field(default=64, ge=2)
    optimizer: GradientSpec = AdamWSpec()


class FrozenEmbeddingSpec(_Responses):
    """Answers through a fixed sentence encoder and trained dense layers; triplet loss over answers."""

    kind: Literal["frozen"] = "frozen"


class FinetunableEmbeddingSpec(_Responses):
    """The same with the encoder tuned too."""

    kind: Literal["finetunable"] = "finetunable"
    finetuning_spec: FinetuningSpec = LoraSpec()
    batch_size: int = Field(default=16, ge=2)


class AttentionEmbeddingSpec(_Responses):
    """Prompt and answer read as a pair, a set of pairs pooled by attention; supervised contrastive loss
    (Khosla et al. 2020) between sets.

    Attributes:
        set_size: pairs of one LLM that make one embedding.
        heads: of the attention (Lee et al. 2019, pooling by multi-head attention).
        temperature: of the contrastive loss.
    """

    kind: Literal["attention"] = "attention"
    set_size: int = Field(default=8, ge=1)
    heads: int = Field(default=4, ge=1)
    temperature: float = Field(default=0.1, gt=0.0)
    max_length: int = Field(default=256, ge=8, le=8192)
    finetuning_spec: FinetuningSpec = FrozenSpec()


class OutcomesEmbeddingSpec(Spec):
    """From an LLM's results alone, for data without answers: on which prompts it did better than expected.

    Attributes:
        dimensions: directions of the prompts' vectors that are told apart.
        penalty: of the ridge regression, in observations.
    """

    kind: Literal["outcomes"] = "outcomes"
    dimensions: int = Field(default=32, ge=1)
    penalty: float = Field(default=100.0, gt=0.0)


EmbeddingSpec: TypeAlias = Annotated[
    FrozenEmbeddingSpec | FinetunableEmbeddingSpec | AttentionEmbeddingSpec | OutcomesEmbeddingSpec,
    Field(discriminator="kind"),
]
