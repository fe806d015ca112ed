"""Measures of confidences: `confidence` (N,) in [0, 1], `correct` (N,) whether the answer was right."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import (
    FloatArray,
    IntArray,
    class_indices,
    clipped_log,
    confidence_vector,
    probability_matrix,
    same_length,
)
from mendgraph.errors import DataError


def ece(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """Expected calibration error over equally wide bins (i/B, (i+1)/B] (Naeini et al., AAAI 2015)."""
    surety, right = _pair(confidence, correct)
    if surety.min() < 0 or surety.max() > 1:
        raise DataError(f"confidences must lie in [0, 1], got {surety.min():g} to {surety.max():g}")
    index = np.clip(np.ceil(surety * bins).astype(np.int64) - 1, 0, bins - 1)
    return _gap(surety, right, index)


def adaptive_ece(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """ECE over bins of equal mass (Nixon et al., 2019); equal confidences share a bin."""
    surety, right = _pair(confidence, correct)
    _, where, counts = np.unique(surety, return_inverse=True, return_counts=True)
    middle = counts.cumsum() - counts / 2
    index = np.minimum((middle / len(surety) * bins).astype(np.int64), bins - 1)
    return _gap(surety, right, index[where])


def brier(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean squared distance to the one-hot truth, summed over classes: in [0, 2] (Brier, 1950)."""
    matrix = probability_matrix(probabilities, DataError)
    truth = np.eye(matrix.shape[1])[class_indices(labels, *matrix.shape)]
    return float(((matrix - truth) ** 2).sum(axis=1).mean())


def nll(probabilities: ArrayLike, labels: ArrayLike) -> float:
    """Mean negative log-likelihood in nats; probabilities clipped at 1e-12."""
    matrix = probability_matrix(probabilities, DataError)
    truth = class_indices(labels, *matrix.shape)
    return float(-clipped_log(matrix[np.arange(len(matrix)), truth]).mean())


def auroc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """P(a right row is surer than a wrong one), ties counting half; NaN when all are right or all wrong."""
    surety, right = _pair(confidence, correct)
    wins = float(right.sum())
    losses = len(right) - wins
    if not wins or not losses:
        return float("nan")
    _, where, counts = np.unique(surety, return_inverse=True, return_counts=True)
    midranks = counts.cumsum() - (counts - 1) / 2
    return float((midranks[where] @ right - wins * (wins + 1) / 2) / (wins * losses))


def _gap(surety: FloatArray, right: FloatArray, index: IntArray) -> float:
    return float(np.abs(np.bincount(index, weights=surety - right)).sum() / len(surety))


def _pair(confidence: ArrayLike, correct: ArrayLike) -> tuple[FloatArray, FloatArray]:
    surety = confidence_vector(confidence)
    return surety, same_length("correct", correct, len(surety)).astype(bool).astype(np.float64)
