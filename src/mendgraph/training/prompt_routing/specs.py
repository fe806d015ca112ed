"""What is trained and how, as frozen values; their JSON form is what ``--spec-file`` reads.

Wherever there is a choice the field ``kind`` says which: ``{"kind": "lora", "rank": 16}``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from mendgraph.modules.pooling import POOLINGS
from mendgraph.training.prompt_routing.embedding_specs import (
    EMBEDDED,
    AttentionEmbeddingSpec,
    EmbeddingSpec,
    FinetunableEmbeddingSpec,
    FrozenEmbeddingSpec,
    OutcomesEmbeddingSpec,
)
from mendgraph.training.prompt_routing.head_specs import (
    BradleyTerryLossSpec,
    DavidsonLossSpec,
    HeadSpec,
    LossSpec,
    MarginLossSpec,
    MixtureHeadSpec,
    RaoKupperLossSpec,
    ReferenceHeadSpec,
    RegressionLossSpec,
    StrengthHeadSpec,
)
from mendgraph.training.prompt_routing.optimizer_specs import (
    AdamSpec,
    AdamWSpec,
    GradientSpec,
    MuonSpec,
    OptimizerSpec,
    RidgeSpec,
)
from mendgraph.training.prompt_routing.spec_base import Dims, Dropout, Spec
from mendgraph.training.prompt_routing.tuning_specs import (
    BitFitSpec,
    FinetuningSpec,
    FrozenSpec,
    FullSpec,
    LastLayersSpec,
    LoraSpec,
    QLoraSpec,
)

__all__ = [
    "EMBEDDED",
    "AdamSpec",
    "AdamWSpec",
    "AttentionEmbeddingSpec",
    "BitFitSpec",
    "BradleyTerryLossSpec",
    "DavidsonLossSpec",
    "EmbeddingSpec",
    "FinetunableEmbeddingSpec",
    "FinetuningSpec",
    "FrozenEmbeddingSpec",
    "FrozenSpec",
    "FullSpec",
    "GradientSpec",
    "HeadSpec",
    "LastLayersSpec",
    "LoraSpec",
    "LossSpec",
    "MarginLossSpec",
    "MixtureHeadSpec",
    "ModelSpec",
    "MuonSpec",
    "OptimizerSpec",
    "OutcomesEmbeddingSpec",
    "QLoraSpec",
    "RaoKupperLossSpec",
    "ReferenceHeadSpec",
    "RegressionLossSpec",
    "RidgeSpec",
    "Spec",
    "StrengthHeadSpec",
    "ValidationSplit",
]


REFERENCE_DIMS = (256, 128)


@dataclass(frozen=True, slots=True)
class ValidationSplit:
    """Which prompts are held out: a share of the prompts, or of the groups (subjects, tasks), each kept whole."""

    fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.2
    seed: int = 42
    by: Literal["prompt", "group"] = "prompt"


class ModelSpec(Spec):
    """A router: what `TransformerEmbeddingModel` takes.

    Attributes:
        transformer_model_name: encoder of the prompts: ``embedded``, a folder, or a hub name.
        pooling: ``auto`` finds it in the model's own files.
        layers: whose pooled states make a prompt's vector; -1 is the last, 0 the input.
        spread_layers: whose states' standard deviation over the tokens stands beside them.
        grams: width of hashed word and character n-grams beside the vector; 0 for none.
        prompt_features: whether the features of `mendgraph.core.prompt_features` stand beside the vector.
        hidden_dims: of the reference head; of the prompt's side of the strength head. None: 256 and 128 for the
            first, and a linear map for the second.
        balance_model_samples: draw comparisons of rarely compared LLMs more often.
        min_model_comparisons: LLMs with fewer are left out.
        both_bad: what a comparison with two bad answers counts as.
        load_embedding_model_from: folder of an embedding model saved before, instead of training one.
        max_grad_norm: gradients are scaled down to this norm.
    """

    transformer_model_name: str = EMBEDDED
    finetuning_spec: FinetuningSpec = FrozenSpec()
    pooling: str = "auto"
    layers: tuple[int, ...] = Field(default=(-1,), min_length=1)
    spread_layers: tuple[int, ...] = ()
    grams: int = Field(default=0, ge=0, le=65536)
    prompt_features: bool = True
    max_length: int = Field(default=256, ge=8, le=8192)
    head: HeadSpec = StrengthHeadSpec()
    hidden_dims: Dims | None = None
    dropout: Dropout = 0.2
    loss: LossSpec = BradleyTerryLossSpec()
    optimizer_spec: OptimizerSpec = AdamWSpec()
    max_grad_norm: float = Field(default=1.0, gt=0.0)
    balance_model_samples: bool = True
    embedding_spec: EmbeddingSpec = OutcomesEmbeddingSpec()
    embedding_model_epochs: int = Field(default=10, ge=1)
    load_embedding_model_from: str | None = None
    min_model_comparisons: int = Field(default=1, ge=1)
    both_bad: Literal["tie", "drop"] = "tie"
    seed: int = Field(default=42, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _fits_together(self) -> ModelSpec:
        if self.pooling != "auto" and self.pooling not in POOLINGS:
            raise ValueError(f"pooling: known are auto, {', '.join(POOLINGS)}; got {self.pooling!r}")
        if self.optimizer_spec.kind == "ridge":
            fits = {
                "finetuning_spec": self.finetuning_spec.kind == "frozen",
                "head": self.head.kind != "reference",
                "hidden_dims": not self.dims,
                "loss": self.loss.kind == "regression",
            }
            if not all(fits.values()):
                wrong = ", ".join(name for name, fit in fits.items() if not fit)
                raise ValueError(
                    f"{wrong}: ridge solves a frozen encoder, the strength or mixture head without hidden_dims and "
                    "the regression loss, nothing else"
                )
            if self.head.kind == "mixture" and self.optimizer_spec.link != "logistic":
                raise ValueError('optimizer_spec.link: the mixture head is solved with "logistic"')
        elif self.head.kind == "mixture":
            raise ValueError('head: mixture is solved in one go: use optimizer_spec {"kind": "ridge"}')
        return self

    @property
    def dims(self) -> tuple[int, ...]:
        if self.hidden_dims is None:
            return REFERENCE_DIMS if self.head.kind == "reference" else ()
        return self.hidden_dims
