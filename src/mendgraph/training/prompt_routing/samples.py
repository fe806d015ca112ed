"""What one optimiser step sees: some prompts, and what is known of LLMs on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import WeightedRandomSampler

from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.errors import ConfigError
from mendgraph.training.prompt_routing.comparisons import Comparisons
from mendgraph.training.prompt_routing.outcomes import Outcomes

__all__ = ["Samples", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """B prompts by number; S samples on them.

    Attributes:
        prompts: B different numbers.
        places: (S,) which of the B prompts.
        first, second: (S,) columns of LLMs.
        outcome, weight: (S,) float32.
    """

    prompts: list[int]
    places: Tensor
    first: Tensor
    second: Tensor
    outcome: Tensor
    weight: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Comparisons (`second` says whom with), or single outcomes (`second` equals `first`).

    Attributes:
        rows: (K,) number of the prompt.
        first, second: (K,) numbers of LLMs.
        outcome: (K,) in [0, 1].
        weight: (K,)
        models: how many LLMs there are.
    """

    rows: IntArray
    first: IntArray
    second: IntArray
    outcome: FloatArray
    weight: FloatArray
    models: int

    @classmethod
    def of_comparisons(cls, compared: Comparisons) -> Samples:
        return cls(
            compared.rows,
            compared.first,
            compared.second,
            compared.outcome,
            compared.weight,
            len(compared.models),
        )

    @classmethod
    def of_outcomes(cls, table: Outcomes) -> Samples:
        rows, columns = np.nonzero(~np.isnan(table.scores))
        return cls(rows, columns, columns, table.scores[rows, columns], np.ones(len(rows)), len(table.models))

    def __len__(self) -> int:
        return len(self.rows)

    def where(self, wanted: BoolArray) -> Samples:
        return Samples(
            self.rows[wanted],
            self.first[wanted],
            self.second[wanted],
            self.outcome[wanted],
            self.weight[wanted],
            self.models,
        )

    def rarity(self) -> FloatArray:
        """(K,) inverse frequency of the rarer of the two LLMs."""
        count = np.bincount(self.first, minlength=self.models) + np.bincount(
            self.second, minlength=self.models
        )
        return np.asarray(1.0 / np.minimum(count[self.first], count[self.second]), dtype=np.float64)

    def epoch(self, prompts: int, *, balance: bool, seed: int) -> Iterator[Step]:
        """Steps of `prompts` prompts each in random order, with all their samples, so that each is encoded once.

        Args:
            balance: draw as many samples as there are, with replacement, by `rarity`; otherwise each comes once.
        """
        if not len(self):
            raise ConfigError(
                "there is nothing to train on", hint="lower min_model_comparisons, or give more data"
            )
        noise = torch.Generator().manual_seed(seed)
        drawn = np.arange(len(self))
        if balance:
            weights = self.rarity().tolist()
            drawn = np.array([*WeightedRandomSampler(weights, len(self), generator=noise)], dtype=np.int64)
        order = torch.randperm(int(self.rows.max()) + 1, generator=noise).numpy()
        drawn = drawn[np.argsort(order[self.rows[drawn]], kind="stable")]
        borders = np.flatnonzero(np.diff(self.rows[drawn])) + 1  # where another prompt begins
        yield from (self._step(part) for part in np.split(drawn, borders[prompts - 1 :: prompts]))

    def steps(self, prompts: int) -> Iterator[Step]:
        """All samples once, in order of their prompts."""
        drawn = np.argsort(self.rows, kind="stable")
        borders = np.flatnonzero(np.diff(self.rows[drawn])) + 1
        yield from (self._step(part) for part in np.split(drawn, borders[prompts - 1 :: prompts]))

    def _step(self, at: IntArray) -> Step:
        prompts, places = np.unique(self.rows[at], return_inverse=True)
        return Step(
            prompts.tolist(),
            torch.from_numpy(places),
            torch.from_numpy(self.first[at]),
            torch.from_numpy(self.second[at]),
            torch.from_numpy(self.outcome[at]).float(),
            torch.from_numpy(self.weight[at]).float(),
        )
