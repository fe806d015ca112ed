"""Measures of answers: labels and predictions are (N,) class indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, IntArray, class_indices, same_length
from mendgraph.errors import DataError


@dataclass(frozen=True, slots=True)
class Averages:
    """Class scores averaged by the number of true rows of each class; all in [0, 1]."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Changes:
    """What healing did to the rows, as counts that sum to N.

    Attributes:
        rescued: wrong before, right after.
        harmed: right before, wrong after.
        kept_right, kept_wrong: as right or wrong as before (a wrong answer may have become another one).
    """

    rescued: int
    harmed: int
    kept_right: int
    kept_wrong: int


def accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    truth, answers = _pair(labels, predictions)
    return float((truth == answers).mean())


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, classes: int | None = None) -> IntArray:
    """(C, C) counts, rows are the truth; C is one more than the largest index seen unless given."""
    truth, answers = _pair(labels, predictions)
    size = int(max(truth.max(), answers.max())) + 1 if classes is None else classes
    truth, answers = class_indices(truth, len(truth), size), class_indices(answers, len(truth), size)
    counts = np.bincount(truth * size + answers, minlength=size * size)
    return np.asarray(counts.reshape(size, size), dtype=np.int64)


def macro_f1(labels: ArrayLike, predictions: ArrayLike, classes: int | None = None) -> float:
    """Mean F1 over the classes seen in labels or predictions; over all `classes` when given (absent: 0)."""
    matrix = confusion_matrix(labels, predictions, classes)
    _, _, f1 = _class_scores(matrix)
    if classes is None:
        f1 = f1[(matrix.sum(axis=0) + matrix.sum(axis=1)) > 0]
    return float(f1.mean())


def balanced_accuracy(labels: ArrayLike, predictions: ArrayLike) -> float:
    """Mean recall over the classes that occur in `labels`."""
    matrix = confusion_matrix(labels, predictions)
    _, recall, _ = _class_scores(matrix)
    return float(recall[matrix.sum(axis=1) > 0].mean())


def weighted_averages(labels: ArrayLike, predictions: ArrayLike) -> Averages:
    """A class that is never predicted has precision 0."""
    matrix = confusion_matrix(labels, predictions)
    share = matrix.sum(axis=1) / matrix.sum()
    precision, recall, f1 = (float(score @ share) for score in _class_scores(matrix))
    return Averages(precision, recall, f1)


def changes(labels: ArrayLike, before: ArrayLike, after: ArrayLike) -> Changes:
    truth, first = _pair(labels, before)
    was, now = first == truth, same_length("after", after, len(truth)) == truth
    return Changes(
        rescued=int((~was & now).sum()),
        harmed=int((was & ~now).sum()),
        kept_right=int((was & now).sum()),
        kept_wrong=int((~was & ~now).sum()),
    )


def _class_scores(matrix: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Precision, recall and F1, each (C,); 0 where undefined."""
    hits = matrix.diagonal().astype(np.float64)
    predicted, actual = matrix.sum(axis=0), matrix.sum(axis=1)
    return (
        hits / np.maximum(predicted, 1),
        hits / np.maximum(actual, 1),
        2 * hits / np.maximum(predicted + actual, 1),
    )


def _pair(labels: ArrayLike, predictions: ArrayLike) -> tuple[IntArray, IntArray]:
    truth = np.asarray(labels)
    if truth.ndim != 1 or truth.size == 0:
        raise DataError(f"labels must have shape (rows,) with at least one row, got {truth.shape}")
    answers = same_length("predictions", predictions, len(truth))
    top = np.iinfo(np.int64).max
    return class_indices(truth, len(truth), top), class_indices(answers, len(truth), top)
