"""How the embedded routers were trained: one per pool of LLMs that were tried on the same prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mendgraph.training.prompt_routing.data_specs import OutcomesData, TrainingSpec
from mendgraph.training.prompt_routing.readers import ROUTELLM
from mendgraph.training.prompt_routing.specs import (
    MixtureHeadSpec,
    RegressionLossSpec,
    RidgeSpec,
    StrengthHeadSpec,
    ValidationSplit,
)

__all__ = ["LLMROUTER", "POOLS"]

LLMROUTER: Final = (
    "llama3-chatqa-1.5-8b",
    "qwen2.5-7b-instruct",
    "llama3-chatqa-1.5-70b",
    "llama-3.1-nemotron-51b-instruct",
    "mistral-7b-instruct-v0.3",
    "gemma-2-9b-it",
    "llama-3.1-8b-instruct",
    "codegemma-7b",
    "llama-3.3-nemotron-super-49b-v1",
)
"""LLMRouter's nine open LLMs."""


def _data(models: Sequence[str]) -> tuple[OutcomesData, ...]:
    """What `mend data prompt_routing` wrote, on which these were tried."""
    columns = {model: f"score__{model}" for model in models}
    return (OutcomesData(path="outcomes_train.parquet", models=columns, group="group"),)


POOLS: Final[Mapping[str, TrainingSpec]] = {
    "router": TrainingSpec(
        name="router",
        data=_data(LLMROUTER),
        layers=(3,),
        spread_layers=(4,),
        head=MixtureHeadSpec(penalty=10.0, offset_penalty=1.0),
        loss=RegressionLossSpec(),
        optimizer_spec=RidgeSpec(penalty=30.0, shared_penalty=2.0, features_weight=0.5),
        validation_split=ValidationSplit(0.1, 42),
    ),
    "router_pair": TrainingSpec(
        name="router_pair",
        data=_data(tuple(ROUTELLM)),
        layers=(2, 3, 4),
        grams=4096,
        head=StrengthHeadSpec(rank=2),
        loss=RegressionLossSpec(),
        optimizer_spec=RidgeSpec(penalty=2.5, shared_penalty=2.0, grams_weight=1.0, features_weight=0.1),
        validation_split=ValidationSplit(0.1, 42),
    ),
}
"""Name of the artefact -> spec: the nine, and RouteLLM's weak and strong LLM.

Layers, heads and penalties were chosen by cross-validation inside the training data.
"""
