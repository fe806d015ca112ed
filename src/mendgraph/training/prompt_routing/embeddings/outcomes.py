"""Embeddings from results alone: by how much, and on which prompts, an LLM did better than its strength says."""

from __future__ import annotations

import numpy as np
import torch

from mendgraph.core.arrays import FloatArray, sigmoid
from mendgraph.core.routing_baselines import bradley_terry
from mendgraph.training.prompt_routing.comparisons import Comparisons
from mendgraph.training.prompt_routing.embeddings.base import LLMEmbeddings
from mendgraph.training.prompt_routing.specs import OutcomesEmbeddingSpec

__all__ = ["outcome_embeddings"]


def outcome_embeddings(
    spec: OutcomesEmbeddingSpec, compared: Comparisons, vectors: FloatArray
) -> LLMEmbeddings:
    """Per LLM its Bradley-Terry strength, then the ridge regression of its surprises on the prompts' directions.

    A surprise is the outcome of a comparison less the probability that the strengths give it.

    Args:
        vectors: (N, H) of the prompts of `compared`.
    """
    beta = bradley_terry(
        compared.first, compared.second, compared.outcome, len(compared.models), compared.weight
    )
    directions = _directions(vectors, spec.dimensions)  # (N, d)
    surprise = compared.outcome - sigmoid(beta[compared.first] - beta[compared.second])
    weights = np.zeros((len(compared.models), directions.shape[1]))
    for number in range(len(compared.models)):
        mine = (compared.first == number) | (compared.second == number)
        rows = directions[compared.rows[mine]]
        target = np.where(compared.first[mine] == number, surprise[mine], -surprise[mine])
        weight = compared.weight[mine][:, None]
        inner = rows.T @ (rows * weight) + spec.penalty * np.eye(rows.shape[1])
        weights[number] = np.linalg.solve(inner, (rows * weight).T @ target)
    spread = float(np.sqrt((weights**2).mean())) or 1.0
    strength = (beta - beta.mean()) / (float(beta.std()) or 1.0)
    found = np.concatenate([strength[:, None], weights / spread], axis=1)
    return LLMEmbeddings(compared.models, torch.from_numpy(found).float(), spec.model_dump(mode="json"))


def _directions(vectors: FloatArray, count: int) -> FloatArray:
    """(N, d) the prompts' coordinates along their d principal axes, each of unit variance."""
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    kept = min(count, int((sizes > 1e-6 * sizes[0]).sum())) if len(sizes) and sizes[0] > 0 else 0
    return np.asarray(left[:, :kept] * np.sqrt(len(vectors)), dtype=np.float64)
