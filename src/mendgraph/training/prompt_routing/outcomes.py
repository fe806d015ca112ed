"""How well every LLM did on every prompt: one score per cell, unknown cells allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray
from mendgraph.errors import DataError, UnknownNameError
from mendgraph.training.prompt_routing.comparisons import Comparisons

__all__ = ["Outcomes"]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """N prompts by M models.

    Attributes:
        prompts: N, not necessarily different.
        models: M names.
        scores: (N, M) in [0, 1], 1 is best; NaN where the model was not tried.
        groups: N names of what prompts belong to (subject, task): splits by group keep each whole.
    """

    prompts: tuple[str, ...]
    models: tuple[str, ...]
    scores: FloatArray
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        shape = (len(self.prompts), len(self.models))
        if self.scores.shape != shape or len(self.groups) != shape[0]:
            raise DataError(
                f"outcomes: scores of shape {self.scores.shape} and {len(self.groups)} groups for"
                f" {shape[0]} prompts and {shape[1]} models"
            )
        if len(set(self.models)) != len(self.models):
            raise DataError("outcomes: a model is named twice")
        known = self.scores[~np.isnan(self.scores)]
        if known.size and not (known.min() >= 0 and known.max() <= 1):
            raise DataError(
                f"outcomes: scores must lie in [0, 1], found {known.min():g} to {known.max():g}",
                hint="scale them first",
            )

    @classmethod
    def of(
        cls,
        prompts: Sequence[str],
        models: Sequence[str],
        scores: ArrayLike,
        groups: Sequence[str] | None = None,
    ) -> Outcomes:
        """From anything like arrays; one group "" unless given."""
        table = np.asarray(scores, dtype=np.float64)
        return cls(tuple(prompts), tuple(models), table, tuple(groups or [""] * len(prompts)))

    def __len__(self) -> int:
        return len(self.prompts)

    def take(self, rows: ArrayLike) -> Outcomes:
        """These prompts (positions, or a mask), in this order."""
        at = np.arange(len(self))[np.asarray(rows)]
        return Outcomes(
            tuple(self.prompts[row] for row in at),
            self.models,
            self.scores[at],
            tuple(self.groups[row] for row in at),
        )

    def of_models(self, models: Sequence[str]) -> Outcomes:
        """These models, in this order; prompts on which none of them was tried are left out.

        Raises:
            UnknownNameError: a model that the table does not have.
        """
        for name in models:
            if name not in self.models:
                raise UnknownNameError("model", name, self.models)
        scores = self.scores[:, [self.models.index(name) for name in models]]
        found = Outcomes(self.prompts, tuple(models), scores, self.groups)
        return found.take(~np.isnan(scores).all(axis=1))

    def comparisons(self, tie_within: float = 0.0) -> Comparisons:
        """Every pair of models tried on the same prompt, in order of prompt, first model, second model.

        Args:
            tie_within: scores that differ by no more are a tie; a tie of two scores 0 is of bad answers.
        """
        numbers: dict[str, int] = {}
        place = np.array(
            [numbers.setdefault(prompt, len(numbers)) for prompt in self.prompts], dtype=np.int64
        )
        pairs = np.array(list(combinations(range(len(self.models)), 2)), dtype=np.int64).reshape(-1, 2)
        one, other = self.scores[:, pairs[:, 0]], self.scores[:, pairs[:, 1]]  # (N, P)
        rows, columns = np.nonzero(~np.isnan(one - other))
        one, other = one[rows, columns], other[rows, columns]
        # half a unit in the last place of float32, which the sources store: .7 - .2 may be a hair over .5
        tied = np.abs(one - other) <= tie_within + 1e-7 * (tie_within > 0)
        return Comparisons.of(
            tuple(numbers),
            self.models,
            place[rows],
            pairs[columns, 0],
            pairs[columns, 1],
            np.where(tied, 0.5, one > other),
            tied & (np.maximum(one, other) <= 0),
        )

    @classmethod
    def joined(cls, tables: Sequence[Outcomes]) -> Outcomes:
        """All prompts of all tables, in order, by all their models; what a table does not know is NaN."""
        models = list(dict.fromkeys(model for table in tables for model in table.models))
        scores = np.full((sum(map(len, tables)), len(models)), np.nan)
        start = 0
        for table in tables:
            columns = [models.index(model) for model in table.models]
            scores[start : start + len(table), columns] = table.scores
            start += len(table)
        return cls(
            tuple(prompt for table in tables for prompt in table.prompts),
            tuple(models),
            scores,
            tuple(group for table in tables for group in table.groups),
        )
