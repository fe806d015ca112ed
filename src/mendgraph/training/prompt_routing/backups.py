"""The router's backups: the outcomes of the nearest known prompts, and the mean outcome of every LLM."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.router_tiers import BLIND_FILE, NEIGHBOUR_FILE
from mendgraph.core.routing_baselines import least_squares
from mendgraph.modules.outcome_neighbours import OutcomeIndex
from mendgraph.training.emotion.save import versions
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.prepare import source_of
from mendgraph.training.prompt_routing.readers import PROVENANCE

__all__ = ["fit_index", "provenance", "train_blind", "train_neighbours"]

TASK = "prompt_routing"
WIDTH = 128
"""These and the next are from three-fold cross-validation within LLMRouter's train prompts."""

NEIGHBOURS = 100
TEMPERATURE = 0.2
SHRINK = 5.0

_OF_SOURCE = {"mmlu": "routellm", "gsm8k": "routellm", "llmrouter": "llmrouter"}


def train_neighbours(
    table: Outcomes,
    encoder: SharedEncoder,
    name: str,
    folder: Path,
    *,
    echo: Callable[[str], None] = lambda line: None,
) -> Artifact:
    """Writes the index of known prompts over the encoder's mean-pooled vectors.

    Args:
        name: what the configuration calls the encoder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    echo(f"neighbours: {len(table):,} prompts")
    index = fit_index(encoder.encode(table.prompts), table)
    tensors = {
        "mean": index.mean,
        "projection": index.projection.half(),
        "points": index.points,
        "outcomes": index.outcomes.half(),
        "prior": index.prior,
    }
    save_file({key: part.contiguous() for key, part in tensors.items()}, folder / NEIGHBOUR_FILE)
    return write_artifact(
        folder,
        name=f"{TASK}/neighbours",
        kind="router_neighbours",
        task=TASK,
        files=[NEIGHBOUR_FILE],
        base_model=BaseModelRef(name=name, sha256=encoder.backbone.sha256),
        labels=table.models,
        settings={"k": index.k, "temperature": index.temperature, "shrink": index.shrink},
        data=provenance(table),
        versions=versions(),
    )


def fit_index(vectors: torch.Tensor, table: Outcomes) -> OutcomeIndex:
    """From the (N, H) vectors of the table's prompts."""
    outcomes = torch.from_numpy(table.scores).float()
    return OutcomeIndex.fit(
        vectors, outcomes, width=WIDTH, k=NEIGHBOURS, temperature=TEMPERATURE, shrink=SHRINK
    )


def train_blind(table: Outcomes, folder: Path) -> Artifact:
    """Writes the mean outcome of every LLM on an average prompt, by least squares."""
    folder.mkdir(parents=True, exist_ok=True)
    strengths = np.clip(least_squares(table.scores), 0.0, 1.0)
    text = json.dumps(dict(zip(table.models, strengths.round(4).tolist(), strict=True)), indent=1)
    (folder / BLIND_FILE).write_text(text + "\n", encoding="utf-8")
    return write_artifact(
        folder,
        name=f"{TASK}/blind",
        kind="prompt_blind",
        task=TASK,
        files=[BLIND_FILE],
        labels=table.models,
        data=provenance(table),
        versions=versions(),
    )


def provenance(table: Outcomes) -> list[DataSource]:
    """The published sources among the table's groups, with how many prompts are from each."""
    counted = Counter(_OF_SOURCE.get(source_of(group), "") for group in table.groups)
    return [
        DataSource(name=name, licence=PROVENANCE[name][1], rows=rows, source=PROVENANCE[name][0])
        for name, rows in sorted(counted.items())
        if name
    ]
