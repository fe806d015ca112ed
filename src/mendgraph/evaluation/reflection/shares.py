"""Shares of comparisons won, with intervals over prompts and over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.core.metrics import bootstrap_interval
from mendgraph.training.reflection.measure import Lead

KINDS = ("H>M", "M>L", "H>L", "swap", "swap, same topic")
"""Comparisons, in reading order; see `mendgraph.training.reflection.measure`."""

SEED = 0


@dataclass(frozen=True, slots=True)
class Share:
    """A share of comparisons won.

    Attributes:
        interval: 95 % over prompts drawn with replacement.
        seeds: the share in each cross-validation by itself.
        pairs: comparisons in one cross-validation, on average over the seeds.
    """

    value: float
    interval: tuple[float, float]
    seeds: tuple[float, ...]
    pairs: int


def shares(
    runs: Sequence[Sequence[Lead]], *, matched: bool = False, resamples: int = 1000
) -> dict[str, Share]:
    """Kind -> share, over several cross-validations of the same prompts.

    Args:
        runs: every comparison of each cross-validation.
        matched: only responses of like length.
    """
    found = {}
    for kind in KINDS:
        chosen = [
            [lead for lead in run if lead.kind == kind and (lead.matched or not matched)] for run in runs
        ]
        if any(chosen):
            found[kind] = _share(chosen, resamples)
    return found


def ratio(won: FloatArray, count: FloatArray) -> float:
    return float(won.sum() / count.sum()) if count.sum() else float("nan")


def difference(
    one: Sequence[Lead], other: Sequence[Lead], kind: str, *, resamples: int = 1000
) -> tuple[float, tuple[float, float]]:
    """By how much `one` wins more often than `other`, over the same comparisons, and its interval over prompts."""
    first, second = _by_prompt([_of(one, kind)]), _by_prompt([_of(other, kind)])
    prompts = sorted(set(first) & set(second))
    columns = [
        np.array([table[prompt][part] for prompt in prompts]) for table in (first, second) for part in (0, 1)
    ]

    def gap(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> float:
        return ratio(a, b) - ratio(c, d)

    return gap(*columns), bootstrap_interval(gap, *columns, seed=SEED, resamples=resamples)


def _of(run: Sequence[Lead], kind: str) -> list[Lead]:
    return [lead for lead in run if lead.kind == kind]


def _share(runs: Sequence[Sequence[Lead]], resamples: int) -> Share:
    table = _by_prompt(runs)
    won, count = (np.array([row[part] for row in table.values()]) for part in (0, 1))
    return Share(
        value=ratio(won, count),
        interval=bootstrap_interval(ratio, won, count, seed=SEED, resamples=resamples),
        seeds=tuple(float(np.mean([lead.won for lead in run])) for run in runs if run),
        pairs=round(sum(map(len, runs)) / len(runs)),
    )


def _by_prompt(runs: Sequence[Sequence[Lead]]) -> Mapping[int, tuple[float, float]]:
    """Prompt -> (comparisons won, comparisons)."""
    found: dict[int, tuple[float, float]] = {}
    for run in runs:
        for lead in run:
            won, count = found.get(lead.prompt_id, (0.0, 0.0))
            found[lead.prompt_id] = (won + lead.won, count + 1)
    return found
