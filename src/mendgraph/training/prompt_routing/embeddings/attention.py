"""Embeddings from sets of answers: each read together with its prompt, the set pooled by attention.

Supervised contrastive loss (Khosla et al. 2020, eq. 2, L_out): sets of one LLM attract each other, sets of different
LLMs repel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.core.arrays import IntArray
from mendgraph.modules.set_pooling import SetPooling
from mendgraph.training.prompt_routing.comparisons import Responses
from mendgraph.training.prompt_routing.embeddings.answers import CHUNK, CLIP, Answers, open_encoder
from mendgraph.training.prompt_routing.embeddings.base import Echo, LLMEmbeddings
from mendgraph.training.prompt_routing.optimizers import make_optimizer
from mendgraph.training.prompt_routing.specs import AttentionEmbeddingSpec

__all__ = ["attention_embeddings", "contrastive_loss"]


class SetEncoder(nn.Module):
    """(B, S, H) vectors of pairs -> (B, E) unit vectors of sets."""

    def __init__(self, width: int, spec: AttentionEmbeddingSpec) -> None:
        super().__init__()
        first, last = spec.hidden_dims[0], spec.hidden_dims[-1]
        self.member = nn.Sequential(nn.Linear(width, first), nn.LeakyReLU(), nn.Dropout(spec.dropout))
        self.pool = SetPooling(first, spec.heads)
        self.out = nn.Linear(first, last)

    def forward(self, members: Tensor, present: Tensor | None = None) -> Tensor:
        return F.normalize(self.out(self.pool(self.member(members), present)), dim=-1)


def contrastive_loss(vectors: Tensor, owners: Tensor, temperature: float) -> Tensor:
    """(B, E) unit vectors of (B,) owners; those whose owner has no other vector in the batch are left out."""
    logits = vectors @ vectors.T / temperature
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    chances = logits.masked_fill(itself, float("-inf")).log_softmax(1)
    same = (owners[:, None] == owners[None, :]) & ~itself
    count = same.sum(1)
    each = -chances.masked_fill(~same, 0.0).sum(1) / count.clamp(min=1)
    return each[count > 0].mean()


def attention_embeddings(
    spec: AttentionEmbeddingSpec,
    responses: Responses,
    models: Sequence[str],
    *,
    epochs: int,
    seed: int,
    device: torch.device,
    echo: Echo,
) -> LLMEmbeddings:
    """Trains the pooling, and the encoder where the spec says so; the caller seeds torch."""
    answers = Answers.of(responses, models, spec.answers_per_model, seed)
    encoder = open_encoder(spec, device)
    tokens = encoder.pair_tokens(answers.texts)

    def fixed_vectors() -> Tensor:
        ends = range(0, len(tokens), CHUNK)
        return torch.cat([encoder.vectors(tokens.take(range(s, min(s + CHUNK, len(tokens))))) for s in ends])

    fixed = None if encoder.tuned else fixed_vectors()
    net = SetEncoder(encoder.hidden_size, spec).to(device)
    optimizer = make_optimizer(spec.optimizer, [*net.parameters()], encoder.tuned)
    generator = np.random.default_rng(seed)
    size = min(spec.set_size, int(np.bincount(answers.model).min()) // 2) or 1
    history = []
    for epoch in range(1, epochs + 1):
        net.train()
        encoder.model.train(bool(encoder.tuned))
        losses, right = [], []
        for sets, owners in _batches(answers, size, spec.batch_size, generator):
            rows = sets.ravel()
            vectors = encoder(tokens.take(rows.tolist())) if fixed is None else fixed[rows].to(device)
            found = net(vectors.view(*sets.shape, -1))
            whose = torch.from_numpy(owners).to(device)
            loss = contrastive_loss(found, whose, spec.temperature)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*net.parameters(), *encoder.tuned], CLIP)
            optimizer.step()
            losses.append(loss.item())
            with torch.no_grad():
                nearest = (found @ found.T).fill_diagonal_(-2.0).argmax(1)
                right.append((whose[nearest] == whose).float().mean().item())
        history.append({"epoch": epoch, "loss": float(np.mean(losses)), "accuracy": float(np.mean(right))})
        echo(
            f"LLM embeddings, epoch {epoch}/{epochs}: loss {history[-1]['loss']:.4f}, "
            f"nearest set is the same LLM's {history[-1]['accuracy']:.3f}"
        )
    net.eval()
    with torch.no_grad():
        vectors = fixed_vectors() if fixed is None else fixed
        whole = [
            net(
                torch.stack(vectors[answers.model == number].split(size)[: _full(answers, number, size)]).to(
                    device
                )
            )
            for number in range(len(models))
        ]
    means = torch.stack([sets.mean(0) for sets in whole]).cpu()
    return LLMEmbeddings(
        tuple(models), F.normalize(means, dim=1), spec.model_dump(mode="json"), tuple(history)
    )


def _full(answers: Answers, number: int, size: int) -> int:
    """How many whole sets a model's answers make."""
    return int((answers.model == number).sum()) // size


def _batches(
    answers: Answers, size: int, sets: int, generator: np.random.Generator
) -> list[tuple[IntArray, IntArray]]:
    """Numbers of answers (B, size) and their owners (B,): two sets each of models drawn anew per batch.

    An epoch draws about as many answers as there are.
    """
    by_model = [np.flatnonzero(answers.model == number) for number in range(len(answers.models))]
    owners = max(min(sets // 2, len(by_model)), 2)
    found = []
    for _ in range(max(len(answers.texts) // (2 * size * owners), 1)):
        drawn = generator.permutation(len(by_model))[:owners]
        rows = [generator.choice(by_model[number], (2, size), replace=False) for number in drawn]
        found.append((np.concatenate(rows), np.repeat(drawn, 2)))
    return found
