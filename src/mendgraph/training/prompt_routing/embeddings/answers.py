"""Embeddings from answers, one at a time: what one LLM writes lies near what it writes elsewhere.

Triplets (Schroff et al. 2015, eq. 2) in cosine distance: an answer, another answer of the same LLM, and another LLM's
answer *to the same prompt*, so that the topic cannot tell them apart.  An LLM's embedding is the mean over its answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name every torch user reads

from mendgraph.adapters.tokens import Tokens
from mendgraph.core.arrays import IntArray
from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.comparisons import Responses
from mendgraph.training.prompt_routing.embeddings.base import Echo, LLMEmbeddings
from mendgraph.training.prompt_routing.optimizers import make_optimizer
from mendgraph.training.prompt_routing.pooling import detect_pooling
from mendgraph.training.prompt_routing.specs import (
    AttentionEmbeddingSpec,
    FinetunableEmbeddingSpec,
    FrozenEmbeddingSpec,
    FrozenSpec,
)
from mendgraph.training.prompt_routing.tuning import TunedEncoder

__all__ = ["Answers", "answer_embeddings", "open_encoder"]

CLIP = 1.0
CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """All answers that there are, flat.

    Attributes:
        models: M names.
        texts: K pairs of prompt and answer.
        prompt, model: (K,) numbers.
    """

    models: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    prompt: IntArray
    model: IntArray

    @classmethod
    def of(cls, responses: Responses, models: Sequence[str], limit: int, seed: int) -> Answers:
        """Up to `limit` answers of each model, on prompts drawn once for all of them.

        Raises:
            DataError: a model has fewer than two answers, or there are fewer than two models.
        """
        lacking = [name for name in models if name not in responses.models]
        if lacking or len(models) < 2:
            raise DataError(
                f"embeddings from answers: {lacking[0]!r} has none"
                if lacking
                else "one LLM alone has no embedding",
                hint='use the embedding spec {"kind": "outcomes"}, which needs no answers',
            )
        drawn = np.random.default_rng(seed).permutation(len(responses.prompts))[:limit]
        columns = [responses.models.index(name) for name in models]
        found = [
            (int(row), number, text)
            for row in drawn
            for number, column in enumerate(columns)
            if (text := responses.texts[row][column])
        ]
        answers = cls(
            tuple(models),
            tuple((responses.prompts[row], text) for row, _, text in found),
            np.array([row for row, _, _ in found], dtype=np.int64),
            np.array([number for _, number, _ in found], dtype=np.int64),
        )
        few = np.bincount(answers.model, minlength=len(models)) < 2
        if few.any():
            raise DataError(
                f"{models[int(few.argmax())]!r} has fewer than two answers", hint="leave it out, or give more"
            )
        return answers

    def triplets(self, generator: np.random.Generator) -> IntArray:
        """(T, 3) numbers of anchor, positive and negative; every answer is an anchor once where it can be."""
        by_model = [np.flatnonzero(self.model == number) for number in range(len(self.models))]
        by_prompt = {int(row): np.flatnonzero(self.prompt == row) for row in np.unique(self.prompt)}
        rows = []
        for anchor in generator.permutation(len(self.texts)):
            own = by_model[self.model[anchor]]
            others = by_prompt[int(self.prompt[anchor])]
            others = others[self.model[others] != self.model[anchor]]
            own = own[own != anchor]
            if len(own) and len(others):
                rows.append((anchor, generator.choice(own), generator.choice(others)))
        return np.array(rows, dtype=np.int64).reshape(-1, 3)


class Projection(nn.Module):
    """Dense layers over the encoder's vectors; unit vectors out."""

    def __init__(self, width: int, dims: Sequence[int], dropout: float) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for inward, outward in pairwise([width, *dims]):
            parts += [nn.Linear(inward, outward), nn.LeakyReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*parts[:-2])

    def forward(self, vectors: Tensor) -> Tensor:
        found: Tensor = F.normalize(self.layers(vectors), dim=-1)
        return found


def answer_embeddings(
    spec: FrozenEmbeddingSpec | FinetunableEmbeddingSpec,
    responses: Responses,
    models: Sequence[str],
    *,
    epochs: int,
    seed: int,
    device: torch.device,
    echo: Echo,
) -> LLMEmbeddings:
    """Trains the layers, and the encoder where the spec says so; the caller seeds torch."""
    answers = Answers.of(responses, models, spec.answers_per_model, seed)
    encoder = open_encoder(spec, device)
    tokens = encoder.tokens([text for _, text in answers.texts])
    fixed = None if encoder.tuned else _vectors(encoder, tokens)
    net = Projection(encoder.hidden_size, spec.hidden_dims, spec.dropout).to(device)
    optimizer = make_optimizer(spec.optimizer, [*net.parameters()], encoder.tuned)
    generator = np.random.default_rng(seed)
    history = []
    for epoch in range(1, epochs + 1):
        net.train()
        encoder.model.train(bool(encoder.tuned))
        losses, right = [], []
        triplets = answers.triplets(generator)
        for start in range(0, len(triplets), spec.batch_size):
            rows = triplets[start : start + spec.batch_size].T.ravel()  # anchors, positives, negatives
            vectors = encoder(tokens.take(rows.tolist())) if fixed is None else fixed[rows].to(device)
            anchor, positive, negative = net(vectors).chunk(3)
            near, far = (anchor * positive).sum(1), (anchor * negative).sum(1)
            loss = (far - near + spec.margin).clamp(min=0).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*net.parameters(), *encoder.tuned], CLIP)
            optimizer.step()
            losses.append(loss.item())
            right.append((near > far).float().mean().item())
        history.append({"epoch": epoch, "loss": float(np.mean(losses)), "accuracy": float(np.mean(right))})
        echo(
            f"LLM embeddings, epoch {epoch}/{epochs}: loss {history[-1]['loss']:.4f}, "
            f"own answer nearer {history[-1]['accuracy']:.3f}"
        )
    net.eval()
    with torch.no_grad():
        found = net((_vectors(encoder, tokens) if fixed is None else fixed).to(device)).cpu()
    means = [found[answers.model == number].mean(0) for number in range(len(models))]
    return LLMEmbeddings(
        tuple(models), F.normalize(torch.stack(means), dim=1), spec.model_dump(mode="json"), tuple(history)
    )


def open_encoder(
    spec: FrozenEmbeddingSpec | FinetunableEmbeddingSpec | AttentionEmbeddingSpec, device: torch.device
) -> TunedEncoder:
    """Of answers; pooled as its own files say."""
    tuning = FrozenSpec() if isinstance(spec, FrozenEmbeddingSpec) else spec.finetuning_spec
    encoder = TunedEncoder(spec.encoder_model_name, tuning, max_length=spec.max_length, device=device)
    encoder.pooling = detect_pooling(encoder.folder)
    return encoder


def _vectors(encoder: TunedEncoder, tokens: Tokens) -> Tensor:
    parts = [
        encoder.vectors(tokens.take(range(start, min(start + CHUNK, len(tokens)))))
        for start in range(0, len(tokens), CHUNK)
    ]
    return torch.cat(parts)
