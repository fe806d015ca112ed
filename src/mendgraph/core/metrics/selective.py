"""Selective prediction: answer the surest rows only.

Rows of equal confidence cannot be told apart by any threshold, so they enter as one block; where a measure
needs a point inside a block it takes the expectation over random orders.  Results never depend on row order.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, confidence_vector, same_length
from mendgraph.errors import DataError


def risk_coverage_curve(confidence: ArrayLike, correct: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """(coverage, risk), each (K,), a point per distinct confidence, from the surest down to coverage 1."""
    _, answered, errors = blocks(confidence, correct)
    return answered / answered[-1], errors / answered


def aurc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Area under the risk-coverage curve: mean risk over the coverages 1/N, 2/N, ..., 1 (Geifman 2019)."""
    errors = _expected_errors(confidence, correct)
    return float((errors / np.arange(1, len(errors) + 1)).mean())


def e_aurc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """AURC in excess of the best ordering of the same answers (Geifman et al., ICLR 2019); >= 0.

    The best AURC is computed exactly for N rows; the paper's r + (1-r) log(1-r) is its limit for large N.
    """
    right = np.asarray(correct, dtype=bool)
    best = aurc(right.astype(np.float64), right)
    return max(aurc(confidence, right) - best, 0.0)


def coverage_at_risk(confidence: ArrayLike, correct: ArrayLike, risk: float) -> float:
    """Largest coverage that a threshold reaches with at most this risk on these rows; 0 when none does."""
    coverage, risks = risk_coverage_curve(confidence, correct)
    return float(coverage[risks <= risk].max(initial=0.0))


def accuracy_at_coverage(confidence: ArrayLike, correct: ArrayLike, coverage: float) -> float:
    """Accuracy on the surest ceil(coverage * N) rows; `coverage` in (0, 1]."""
    if not 0 < coverage <= 1:
        raise DataError(f"coverage must lie in (0, 1], got {coverage!r}")
    errors = _expected_errors(confidence, correct)
    # 0.07 * 100 is 7.000000000000001: without the allowance it would count 8 rows.
    rows = max(math.ceil(coverage * len(errors) - 1e-9), 1)
    return float(1 - errors[rows - 1] / rows)


def blocks(confidence: ArrayLike, correct: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distinct confidences from the surest down, with the rows and the errors at or above each; all (K,)."""
    surety = confidence_vector(confidence)
    wrong = ~same_length("correct", correct, len(surety)).astype(bool)
    values, where, counts = np.unique(-surety, return_inverse=True, return_counts=True)
    errors = np.bincount(where, weights=wrong).cumsum()
    return -values, counts.cumsum().astype(np.float64), errors


def _expected_errors(confidence: ArrayLike, correct: ArrayLike) -> FloatArray:
    """(N,) expected number of errors among the i surest rows; linear inside a block."""
    _, answered, errors = blocks(confidence, correct)
    ranks = np.arange(1, int(answered[-1]) + 1)
    expected = np.interp(ranks, np.concatenate([[0], answered]), np.concatenate([[0], errors]))
    return np.asarray(expected, dtype=np.float64)
