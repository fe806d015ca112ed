"""Votes of the nearest training texts in a discriminant space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

ROWS = 256
"""Queries per similarity matrix, so that memory stays bounded."""


@dataclass(frozen=True, slots=True)
class NeighbourIndex:
    """Training texts as unit vectors in the space of a linear discriminant analysis.

    Attributes:
        mean: (H,), taken from a vector before the projection.
        projection: (H, D).
        points: (M, D) int8; their direction is what counts.
        classes: (M,) class numbers.
        weights: (C,) weight of one vote per class, so that frequent classes do not win by their number.
        k: neighbours that vote.
        temperature: a neighbour votes with ``exp(cosine / temperature)``.
        floor: share of the vote spread evenly, so that no class is impossible.
    """

    mean: Tensor
    projection: Tensor
    points: Tensor
    classes: Tensor
    weights: Tensor
    k: int
    temperature: float
    floor: float = 0.02

    def project(self, vectors: Tensor) -> Tensor:
        """(N, H) sentence vectors to (N, D) unit vectors."""
        return normalize((vectors - self.mean) @ self.projection, dim=1)

    def probabilities(self, vectors: Tensor) -> Tensor:
        """(N, H) sentence vectors to (N, C) shares of the vote."""
        points = normalize(self.points.float(), dim=1).T
        count = len(self.weights)
        found = [vectors.new_zeros(0, count)]
        for queries in self.project(vectors).split(ROWS):
            cosine, index = (queries @ points).topk(min(self.k, len(self.points)), dim=1)
            classes = self.classes[index].long()
            votes = ((cosine - cosine[:, :1]) / self.temperature).exp() * self.weights[classes]
            tally = votes.new_zeros(len(queries), count).scatter_add_(1, classes, votes)
            share = tally / tally.sum(1, keepdim=True)
            found.append((1.0 - self.floor) * share + self.floor / count)
        return torch.cat(found)

    def extended(self, vectors: Tensor, classes: Tensor) -> NeighbourIndex:
        """With further texts in it, (N, H) vectors of known (N,) classes."""
        points = quantised(self.project(vectors))
        return NeighbourIndex(
            self.mean,
            self.projection,
            torch.cat([self.points, points]),
            torch.cat([self.classes, classes.to(self.classes.dtype)]),
            self.weights,
            self.k,
            self.temperature,
            self.floor,
        )


def quantised(units: Tensor) -> Tensor:
    """Unit vectors as int8, each scaled so that its largest coordinate is 127."""
    return (units * 127.0 / units.abs().amax(1, keepdim=True).clamp_min(1e-12)).round().to(torch.int8)
