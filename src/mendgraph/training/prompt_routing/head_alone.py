"""A head trained in epochs on vectors that are known already: many heads over one reading of the prompts."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from mendgraph.core.routing_baselines import bradley_terry
from mendgraph.modules.router import RouterNetwork
from mendgraph.training.emotion.trainer import own_seeds
from mendgraph.training.prompt_routing.embeddings.outcomes import outcome_embeddings
from mendgraph.training.prompt_routing.loop import run_epochs
from mendgraph.training.prompt_routing.network import fresh_network
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.samples import Samples
from mendgraph.training.prompt_routing.specs import AdamWSpec, ModelSpec, OutcomesEmbeddingSpec
from mendgraph.training.prompt_routing.split import holdout

__all__ = ["fit_head"]

HELD = 0.15
"""Share of the prompts that chooses the epoch."""


def fit_head(
    spec: ModelSpec,
    blocks: tuple[int, int],
    train: Outcomes,
    vectors: Tensor,
    *,
    epochs: int,
    batch_size: int,
) -> RouterNetwork:
    """By AdamW, with embeddings of the LLMs from their outcomes.  Global generators stay as they were.

    Args:
        spec: head, loss and seed.
        blocks: see `PromptInputs.blocks`.
        train: on different prompts.
        vectors: (N, D) of its prompts.
    """
    with own_seeds():
        torch.manual_seed(spec.seed)
        return _fitted(spec, blocks, train, vectors, epochs, batch_size)


def _fitted(
    spec: ModelSpec, blocks: tuple[int, int], train: Outcomes, vectors: Tensor, epochs: int, batch_size: int
) -> RouterNetwork:
    compared = train.comparisons()
    pairs = Samples.of_comparisons(compared)
    rows = Samples.of_outcomes(train) if spec.loss.kind == "regression" else pairs
    kept, _ = holdout(train.prompts, HELD, spec.seed)
    mine = np.zeros(len(train), dtype=bool)
    mine[kept] = True
    learned = compared.of_prompts(kept.tolist())
    states = vectors[kept, : vectors.shape[1] - sum(blocks)].double().numpy()
    embeddings = outcome_embeddings(OutcomesEmbeddingSpec(), learned, states)
    strengths = bradley_terry(
        learned.first, learned.second, learned.outcome, len(learned.models), learned.weight
    )
    network = fresh_network(spec, vectors[kept], blocks, embeddings.of(train.models), strengths)
    run_epochs(
        _Known(vectors),  # type: ignore[arg-type]  # what the loop asks of a reader whose encoder is frozen
        network,
        spec,
        AdamWSpec(learning_rate=1e-3, weight_decay=0.1),
        rows.where(mine[rows.rows]),
        rows.where(~mine[rows.rows]),
        pairs.where(~mine[pairs.rows]),
        epochs=epochs,
        batch_size=batch_size,
    )
    return network.eval()


class _Known:
    """Vectors (N, D) by number."""

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors
        self.encoder = SimpleNamespace(model=torch.nn.Module(), tuned=[], device=vectors.device)

    def __call__(self, numbers: Sequence[int]) -> Tensor:
        return self.vectors[list(numbers)]
