"""How well LLMs did on the known prompts nearest in meaning."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mendgraph.modules.neighbours import ROWS, quantised

__all__ = ["OutcomeIndex"]


@dataclass(frozen=True, slots=True)
class OutcomeIndex:
    """Known prompts as unit vectors, and what every LLM scored on them.

    Attributes:
        mean: (H,), taken from a vector before the projection.
        projection: (H, D), the directions in which known prompts differ most.
        points: (P, D) int8; their direction is what counts.
        outcomes: (P, M) in [0, 1]; NaN where the LLM was not tried.
        prior: (M,) mean outcome of each LLM.
        k: neighbours that are heard.
        temperature: a neighbour counts ``exp((cosine - nearest cosine) / temperature)``.
        shrink: how many nearest neighbours the mean outcome counts as.
    """

    mean: Tensor
    projection: Tensor
    points: Tensor
    outcomes: Tensor
    prior: Tensor
    k: int
    temperature: float
    shrink: float

    @classmethod
    def fit(
        cls, vectors: Tensor, outcomes: Tensor, *, width: int, k: int, temperature: float, shrink: float
    ) -> OutcomeIndex:
        """From (P, H) sentence vectors and their (P, M) outcomes, projected on their `width` main components."""
        mean = vectors.mean(0)
        spread = (vectors - mean).double()
        _, components = torch.linalg.eigh(spread.T @ spread)
        projection = components[:, -min(width, vectors.shape[1]) :].float().contiguous()
        points = quantised(normalize((vectors - mean) @ projection, dim=1))
        return cls(mean, projection, points, outcomes, outcomes.nanmean(0), k, temperature, shrink)

    def of_models(self, columns: list[int]) -> OutcomeIndex:
        """These LLMs, in this order, and the prompts on which any of them was tried."""
        outcomes = self.outcomes[:, columns]
        tried = ~outcomes.isnan().all(1)
        return OutcomeIndex(
            self.mean,
            self.projection,
            self.points[tried],
            outcomes[tried],
            self.prior[columns],
            self.k,
            self.temperature,
            self.shrink,
        )

    def quality(self, vectors: Tensor) -> Tensor:
        """(N, H) sentence vectors to (N, M) expected outcomes in [0, 1].

        The weighted mean over the neighbours on which the LLM was tried, drawn towards its mean outcome.
        """
        points = normalize(self.points.float(), dim=1).T
        found = [vectors.new_zeros(0, len(self.prior))]
        for queries in normalize((vectors - self.mean) @ self.projection, dim=1).split(ROWS):
            cosine, index = (queries @ points).topk(min(self.k, points.shape[1]), dim=1)
            weight = ((cosine - cosine[:, :1]) / self.temperature).exp()[:, :, None]  # (B, k, 1)
            outcomes = self.outcomes[index]  # (B, k, M)
            tried = ~outcomes.isnan()
            total = (weight * outcomes.nan_to_num()).sum(1) + self.shrink * self.prior
            found.append(total / ((weight * tried).sum(1) + self.shrink))
        return torch.cat(found)
