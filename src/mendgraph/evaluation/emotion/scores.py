"""Accuracy, macro-F1 and balanced accuracy of every system on every test set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.core.metrics import accuracy, balanced_accuracy, bootstrap_interval, confusion_matrix
from mendgraph.evaluation.emotion.answers import System
from mendgraph.evaluation.emotion.datasets import Labelled
from mendgraph.evaluation.report import Table, between, number

HEADER = ("system", "accuracy", "macro-F1", "balanced accuracy")

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one system.

    Attributes:
        rows: rows scored; of one draw where there are several.
        accuracy_interval, ...: 95 % bootstrap intervals, or the range over several draws.
    """

    system: str
    rows: int
    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    accuracy_interval: Interval | None = None
    macro_f1_interval: Interval | None = None
    balanced_accuracy_interval: Interval | None = None


def macro_f1_present(labels: IntArray, said: IntArray) -> float:
    """Mean F1 over the classes that occur in `labels`; other answers count as misses, not as classes."""
    matrix = confusion_matrix(labels, said)
    hits, answered, true = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    present = true > 0
    return float((2 * hits[present] / (answered + true)[present]).mean())


def score(system: System, labels: IntArray, *, seed: int | None = None, resamples: int = 1000) -> Scores:
    """Bootstrap intervals only where a `seed` is given."""

    def interval(measure: Callable[[IntArray, IntArray], float]) -> Interval | None:
        if seed is None:
            return None
        return bootstrap_interval(measure, labels, system.said, seed=seed, resamples=resamples)

    return Scores(
        system=system.name,
        rows=len(labels),
        accuracy=accuracy(labels, system.said),
        macro_f1=macro_f1_present(labels, system.said),
        balanced_accuracy=balanced_accuracy(labels, system.said),
        accuracy_interval=interval(accuracy),
        macro_f1_interval=interval(macro_f1_present),
    )


def score_draws(system: System, labels: IntArray, draws: Sequence[IntArray]) -> Scores:
    """Means over several draws of rows, with the range between them."""
    each = [score(system.rows(rows), labels[rows]) for rows in draws]

    def spread(values: list[float]) -> tuple[float, Interval]:
        return float(np.mean(values)), (min(values), max(values))

    right, right_range = spread([s.accuracy for s in each])
    f1, f1_range = spread([s.macro_f1 for s in each])
    recall, recall_range = spread([s.balanced_accuracy for s in each])
    return Scores(system.name, len(draws[0]), right, f1, recall, right_range, f1_range, recall_range)


def scores_table(scores: Sequence[Scores], title: str, note: str = "") -> Table:
    """One line per system."""
    rows = tuple(
        (
            s.system,
            between(s.accuracy, s.accuracy_interval),
            between(s.macro_f1, s.macro_f1_interval),
            between(s.balanced_accuracy, s.balanced_accuracy_interval),
        )
        for s in scores
    )
    return Table(f"{title}, {scores[0].rows:,} rows", HEADER, rows, note)


def per_class_table(labels: IntArray, said: IntArray, names: Sequence[str], data: Labelled) -> Table:
    """Precision, recall and F1 of each class of the cascade's best guesses."""
    matrix = confusion_matrix(labels, said, len(names) + 1)
    hits, answered, true = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    rows = tuple(
        (
            name,
            str(true[c]),
            number(hits[c] / max(answered[c], 1)),
            number(hits[c] / max(true[c], 1)),
            number(2 * hits[c] / max(answered[c] + true[c], 1)),
        )
        for c, name in enumerate(names)
        if true[c]
    )
    return Table(f"Cascade by class, {data.title}", ("class", "rows", "precision", "recall", "F1"), rows)
