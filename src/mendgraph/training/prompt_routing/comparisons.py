"""Which of two LLMs answered a prompt better: the one table that every source of preferences is read into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.errors import DataError

__all__ = ["Comparisons", "Responses"]

FIRST, TIE, SECOND = 1.0, 0.5, 0.0
"""Values of `Comparisons.outcome`."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """K comparisons of two LLMs on one prompt each.

    Attributes:
        prompts: N different prompts.
        models: M different names of LLMs.
        rows: (K,) number of the prompt.
        first, second: (K,) numbers of the two LLMs.
        outcome: (K,) 1 where the first is better, 0 where the second is, 0.5 for a tie; a soft judgement lies
            between.
        both_bad: (K,) ties of two answers that are no good; False elsewhere.
        weight: (K,) positive importance.
    """

    prompts: tuple[str, ...]
    models: tuple[str, ...]
    rows: IntArray
    first: IntArray
    second: IntArray
    outcome: FloatArray
    both_bad: BoolArray
    weight: FloatArray

    def __post_init__(self) -> None:
        count = len(self.rows)
        columns = (self.first, self.second, self.outcome, self.both_bad, self.weight)
        if any(column.shape != (count,) for column in columns) or self.rows.ndim != 1:
            raise DataError(f"comparisons: columns must all have shape ({count},)")
        if len(set(self.models)) != len(self.models):
            raise DataError("comparisons: a model is named twice")
        for what, numbers, size in (
            ("prompt", self.rows, len(self.prompts)),
            ("model", self.first, len(self.models)),
            ("model", self.second, len(self.models)),
        ):
            if count and not (numbers.min() >= 0 and numbers.max() < size):
                raise DataError(f"comparisons: {what} numbers must lie in [0, {size})")
        if (self.first == self.second).any():
            where = int(np.flatnonzero(self.first == self.second)[0])
            raise DataError(f"comparison {where}: {self.models[self.first[where]]!r} is compared with itself")
        if not ((self.outcome >= 0) & (self.outcome <= 1)).all() or not (self.weight > 0).all():
            raise DataError("comparisons: outcomes must lie in [0, 1] and weights be positive")

    @classmethod
    def of(
        cls,
        prompts: Sequence[str],
        models: Sequence[str],
        rows: ArrayLike,
        first: ArrayLike,
        second: ArrayLike,
        outcome: ArrayLike,
        both_bad: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> Comparisons:
        """From anything like arrays; every weight 1 and no tie of bad answers unless given."""
        results = np.asarray(outcome, dtype=np.float64)
        return cls(
            tuple(prompts),
            tuple(models),
            np.asarray(rows, dtype=np.int64),
            np.asarray(first, dtype=np.int64),
            np.asarray(second, dtype=np.int64),
            results,
            np.zeros(len(results), dtype=bool) if both_bad is None else np.asarray(both_bad, dtype=bool),
            np.ones(len(results)) if weight is None else np.asarray(weight, dtype=np.float64),
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def tie(self) -> BoolArray:
        """(K,)"""
        return np.asarray(self.outcome == TIE)

    def counts(self) -> IntArray:
        """(M,) comparisons that each model takes part in."""
        size = len(self.models)
        return np.bincount(self.first, minlength=size) + np.bincount(self.second, minlength=size)

    def where(self, wanted: ArrayLike) -> Comparisons:
        """Those at the given positions, or where a mask (K,) is true; prompts and models keep their numbers."""
        at = np.asarray(wanted)
        names = ("rows", "first", "second", "outcome", "both_bad", "weight")
        return replace(self, **{name: getattr(self, name)[at] for name in names})

    def decisive(self) -> Comparisons:
        """Without the ties."""
        return self.where(~self.tie)

    def of_prompts(self, numbers: Sequence[int]) -> Comparisons:
        """Those of these prompts, which are numbered anew in the order given."""
        place = np.full(len(self.prompts), -1, dtype=np.int64)
        place[list(numbers)] = np.arange(len(numbers))
        kept = self.where(place[self.rows] >= 0)
        prompts = tuple(self.prompts[number] for number in numbers)
        return replace(kept, prompts=prompts, rows=place[kept.rows])

    def at_least(self, min_model_comparisons: int) -> Comparisons:
        """Only models with so many comparisons among the models that stay; those are numbered anew.

        Raises:
            DataError: fewer than two models are left.
        """
        found = self
        while (few := found.counts() < min_model_comparisons).any():
            kept = found.where(~(few[found.first] | few[found.second]))
            place = np.cumsum(~few) - 1
            found = replace(
                kept,
                models=tuple(name for name, drop in zip(found.models, few, strict=True) if not drop),
                first=place[kept.first],
                second=place[kept.second],
            )
        if len(found.models) < 2:
            raise DataError(
                f"min_model_comparisons {min_model_comparisons}: fewer than two models have so many"
                f" (the most any has: {self.counts().max(initial=0)})",
                hint="lower min_model_comparisons",
            )
        return found

    @classmethod
    def joined(cls, tables: Sequence[Comparisons]) -> Comparisons:
        """One table of several; equal prompts and equal models become one."""
        prompts = {prompt: None for table in tables for prompt in table.prompts}
        models = {model: None for table in tables for model in table.models}
        prompt_at = {prompt: number for number, prompt in enumerate(prompts)}
        model_at = {model: number for number, model in enumerate(models)}
        new_rows, new_first, new_second = [], [], []
        for table in tables:
            places = np.array([prompt_at[prompt] for prompt in table.prompts], dtype=np.int64)
            names = np.array([model_at[model] for model in table.models], dtype=np.int64)
            new_rows.append(places[table.rows])
            new_first.append(names[table.first])
            new_second.append(names[table.second])
        return cls.of(
            tuple(prompts),
            tuple(models),
            _joined(new_rows),
            _joined(new_first),
            _joined(new_second),
            _joined([table.outcome for table in tables]),
            _joined([table.both_bad for table in tables]),
            _joined([table.weight for table in tables]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """What LLMs answered.

    Attributes:
        prompts: N.
        models: M.
        texts: N rows of M answers; None where there is none.
    """

    prompts: tuple[str, ...]
    models: tuple[str, ...]
    texts: tuple[tuple[str | None, ...], ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.prompts) or any(len(row) != len(self.models) for row in self.texts):
            raise DataError(f"responses: expected {len(self.prompts)} rows of {len(self.models)} texts")

    def take(self, numbers: Sequence[int]) -> Responses:
        """Of these prompts, in this order."""
        return Responses(
            tuple(self.prompts[number] for number in numbers),
            self.models,
            tuple(self.texts[number] for number in numbers),
        )


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0)
