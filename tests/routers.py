"""Small artefacts of the tiers that rate LLMs, and the whole graph over scripted ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import mendgraph
from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.core.tier import Tier
from mendgraph.prompt_routing import PromptRoutingGraph
from mendgraph.training.prompt_routing.backups import train_blind, train_neighbours
from mendgraph.training.prompt_routing.model import TransformerEmbeddingModel
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.specs import RegressionLossSpec, RidgeSpec
from tests.llms import MODELS, routing_policy, settings
from tests.tiny import sentences


def table(rows: int = 60, seed: int = 0) -> Outcomes:
    noise = np.random.default_rng(seed)
    chances = np.array([0.9, 0.6, 0.3])
    scores = (noise.random((rows, len(MODELS))) < chances).astype(np.float64)
    return Outcomes.of(sentences(rows, seed=seed), MODELS, scores, ["llmrouter/tiny"] * rows)


def save_router(folder: Path, encoder: Path, *, seed: int = 0) -> None:
    """Fitted in closed form."""
    model = TransformerEmbeddingModel(
        str(encoder), loss=RegressionLossSpec(), optimizer_spec=RidgeSpec(penalty=1.0), max_length=32
    )
    model.train(table(80, seed=seed), device="cpu").save(folder)


def save_neighbours(folder: Path, encoder: Path, *, seed: int = 0) -> Artifact:
    return train_neighbours(table(seed=seed), SharedEncoder.open(str(encoder), device="cpu"), "tiny", folder)


def save_blind(folder: Path, *, seed: int = 0) -> Artifact:
    return train_blind(table(seed=seed), folder)


def router(
    tiers: Mapping[str, Tier],
    *,
    thresholds: Mapping[str, float] | None = None,
    ask: str = "never",
    **more: Any,
) -> PromptRoutingGraph:
    """The graph over these tiers, each taken at its word."""
    return mendgraph.load(
        "prompt_routing",
        tiers=tiers,
        policy=routing_policy(tiers, thresholds),
        overrides=[f"prompt_routing={json.dumps(settings(ask=ask, **more.pop('settings', {})))}"],
        **more,
    )
