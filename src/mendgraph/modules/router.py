"""From a prompt's vector and what is known of each LLM to one logit per LLM, all of them in one pass.

A head has two sides that meet at the end: what a prompt needs is computed once, what an LLM is like is one row of
numbers.  A new LLM is a new row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from mendgraph.errors import ConfigError

__all__ = [
    "EmbeddedRows",
    "FixedRows",
    "Head",
    "MixtureHead",
    "ReferenceHead",
    "RouterNetwork",
    "StrengthHead",
]


class Head(nn.Module, ABC):
    """What both heads share: inputs are standardised by `mean` and `scale`, then go through `tower`.

    Attributes:
        inputs: width D of a prompt's vector.
        row: width R of an LLM's row.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, inputs: int, row: int, tower: nn.Sequential) -> None:
        super().__init__()
        self.inputs, self.row = inputs, row
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.tower = tower

    def standardise(self, vectors: Tensor) -> None:
        """Take mean and spread of these (N, D) inputs; a column without spread is left out."""
        spread = vectors.std(0, correction=0)
        self.mean.copy_(vectors.mean(0))
        self.scale.copy_(torch.where(spread > 1e-6, 1.0 / spread, torch.zeros_like(spread)))

    def prompts(self, vectors: Tensor) -> Tensor:
        """(B, D) -> what `meet` wants of each prompt."""
        found: Tensor = self.tower((vectors - self.mean) * self.scale)
        return found

    @abstractmethod
    def meet(self, prompts: Tensor, rows: Tensor) -> Tensor:
        """Sides of B prompts, and rows (M, R) -> (B, M) logits; their tanh is the score."""


class StrengthHead(Head):
    """``strength[m] + <tower(x), direction[m]> / sqrt(rank)``.

    The strength of an LLM stands apart, so that what depends on the prompt has only that to learn, and cannot be
    drowned by it.  A row is the strength and the direction.
    """

    def __init__(self, inputs: int, rank: int, dims: Sequence[int] = (), dropout: float = 0.0) -> None:
        super().__init__(inputs, 1 + rank, _layers([inputs, *dims, rank], dropout))
        self.rank = rank

    def meet(self, prompts: Tensor, rows: Tensor) -> Tensor:
        return torch.addmm(rows[:, 0], prompts, rows[:, 1:].T / self.rank**0.5)


class MixtureHead(StrengthHead):
    """``strength[m] + sum_g share[g](x) offset[m, g] + <rest of tower(x), direction[m]>``.

    The tower's first `groups` outputs say how much a prompt is like each known group of prompts; negative ones cut off,
    squared and normalised they are shares.  An LLM's row holds its strength, its offset in every group, its direction.
    """

    def __init__(self, inputs: int, groups: int, rank: int) -> None:
        super().__init__(inputs, groups + rank)
        self.groups = groups

    def prompts(self, vectors: Tensor) -> Tensor:
        found = super().prompts(vectors)
        likeness = found[:, : self.groups].clamp(min=0.0).square()
        shares = likeness / likeness.sum(1, keepdim=True).clamp(min=1e-12)
        return torch.cat([shares, found[:, self.groups :]], dim=1)


class ReferenceHead(Head):
    """A perceptron over ``[prompt, features, LLM]``, LeakyReLU and dropout between its layers.

    The first layer of a concatenation is a sum of two products: the prompt's is computed once for all LLMs, the
    LLM's is its row.
    """

    def __init__(self, inputs: int, dims: Sequence[int] = (256, 128), dropout: float = 0.0) -> None:
        if not dims:
            raise ConfigError("hidden_dims: the reference head needs at least one layer, got none")
        super().__init__(inputs, dims[0], _layers([inputs, dims[0]], dropout))
        self.after = nn.Sequential(nn.LeakyReLU(), nn.Dropout(dropout), _layers([*dims, 1], dropout))

    def meet(self, prompts: Tensor, rows: Tensor) -> Tensor:
        logits: Tensor = self.after(prompts[:, None, :] + rows[None, :, :])
        return logits.squeeze(-1)


class EmbeddedRows(nn.Module):
    """Rows that are learned as a linear map of the LLMs' embeddings, (M, E), which stay as they are.

    Args:
        free: how many first columns of a row are free parameters of each LLM instead, e.g. its strength.
    """

    embeddings: Tensor

    def __init__(self, embeddings: Tensor, row: int, free: int) -> None:
        super().__init__()
        self.register_buffer("embeddings", embeddings.clone())
        self.free = nn.Parameter(torch.zeros(len(embeddings), free)) if free else None
        self.map = nn.Linear(embeddings.shape[1], row - free, bias=False)

    def forward(self) -> Tensor:
        mapped: Tensor = self.map(self.embeddings)
        return mapped if self.free is None else torch.cat([self.free, mapped], dim=1)


class FixedRows(nn.Module):
    """Rows (M, R) as numbers."""

    rows: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows)

    def forward(self) -> Tensor:
        return self.rows


class RouterNetwork(nn.Module):
    """A head and the rows of its LLMs."""

    def __init__(self, head: Head, rows: EmbeddedRows | FixedRows) -> None:
        super().__init__()
        self.head, self.rows = head, rows

    def forward(self, vectors: Tensor) -> Tensor:
        """(B, D) -> (B, M) logits."""
        return self.head.meet(self.head.prompts(vectors), self.rows())


def _layers(sizes: Sequence[int], dropout: float) -> nn.Sequential:
    """Linear layers of these sizes with LeakyReLU and dropout between them, and none after the last."""
    parts: list[nn.Module] = []
    for number, (inward, outward) in enumerate(pairwise(sizes)):
        if number:
            parts += [nn.LeakyReLU(), nn.Dropout(dropout)]
        parts.append(nn.Linear(inward, outward))
    return nn.Sequential(*parts)
