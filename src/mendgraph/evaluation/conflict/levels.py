"""What kind of conflict it is: macro-F1 of every system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.conflict import LEVELS
from mendgraph.core.metrics import accuracy, bootstrap_interval, confusion_matrix, macro_f1
from mendgraph.evaluation.conflict.datasets import Sample, levels_of
from mendgraph.evaluation.report import Section, Table, between

__all__ = ["levels_section"]


def levels_section(
    sets: Mapping[str, Sequence[Sample]],
    judged: Mapping[str, Mapping[str, FloatArray]],
    resamples: int,
    seed: int = 0,
) -> Section:
    """
    Args:
        sets: name -> samples; where all of them are conflicts, "none" is no answer and the next best level counts.
        judged: name of the set -> system -> (N, levels).
    """
    figures: dict[str, dict[str, dict[str, object]]] = {}
    systems = list(dict.fromkeys(name for found in judged.values() for name in found))
    rows: dict[str, list[str]] = {name: [name] for name in ("the most frequent level", *systems)}
    for name, samples in sets.items():
        truth = levels_of(samples)
        groups = np.array([one.group for one in samples])
        usual = np.full(len(truth), np.bincount(truth).argmax())
        said = {"the most frequent level": usual} | {
            system: _levels(chances, truth) for system, chances in judged[name].items()
        }
        figures[name] = {}
        for system in rows:
            if system not in said:
                rows[system].append("-")
                continue
            value = macro_f1(truth, said[system])
            interval = bootstrap_interval(
                _macro_f1, truth, said[system], seed=seed, resamples=resamples, groups=groups
            )
            figures[name][system] = {
                "macro_f1": value,
                "interval": interval,
                "accuracy": accuracy(truth, said[system]),
                "confusion": confusion_matrix(truth, said[system], len(LEVELS)),
            }
            rows[system].append(between(value, interval))
    header = ("system", *(f"{name} ({len(samples):,})" for name, samples in sets.items()))
    note = (
        "Over the levels that occur. Where every sample is a conflict, the likeliest level but none counts. Types of "
        "FEVER and RAMDocs are silver: a rule on the words that differ, not people."
    )
    table = Table("What kind of conflict? macro-F1", header, tuple(tuple(row) for row in rows.values()), note)
    return Section("types", (table,), figures)


def _levels(chances: FloatArray, truth: IntArray) -> IntArray:
    if (truth > 0).all():
        return np.asarray(chances[:, 1:].argmax(axis=1) + 1, dtype=np.int64)
    return np.asarray(chances.argmax(axis=1), dtype=np.int64)


def _macro_f1(truth: ArrayLike, said: ArrayLike) -> float:
    return macro_f1(truth, said)
