"""Array types, checked inputs and stable soft-max arithmetic for the numeric core; float64 throughout."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mendgraph.errors import BadOutput, DataError, MendError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]

PROBABILITY_FLOOR: Final = 1e-12
"""Probabilities are clipped here before a logarithm; float32 soft-max does return exact zeros."""

ROW_SUM_TOLERANCE: Final = 1e-2
"""Half-precision soft-max rows miss 1 by about 1e-3; logits passed by mistake miss it by far more."""


def probability_matrix(values: ArrayLike, error: type[MendError] = BadOutput) -> FloatArray:
    """(N, C) with rows renormalised to sum to exactly 1; raises `error` when it is no such matrix."""
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise error(f"probabilities must have shape (rows, classes), got {matrix.shape}")
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise error(f"probabilities must be finite, row {row} is {matrix[row].tolist()}")
    sums = matrix.sum(axis=1)
    wrong = (matrix < 0).any(axis=1) | (np.abs(sums - 1) > ROW_SUM_TOLERANCE)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise error(
            f"probability rows must be non-negative and sum to 1, row {row} is {matrix[row].tolist()}",
            hint="apply a soft-max first if these are logits",
        )
    return np.asarray(matrix / sums[:, None], dtype=np.float64)


def class_indices(values: ArrayLike, rows: int, classes: int) -> IntArray:
    """(rows,) integers in [0, classes); raises `DataError` otherwise."""
    raw = np.asarray(values)
    if raw.shape != (rows,):
        raise DataError(f"labels must have shape ({rows},), one per row, got {raw.shape}")
    if raw.size and not np.issubdtype(raw.dtype, np.integer):
        raise DataError(f"labels must be class indices of an integer type, got {raw.dtype}")
    labels = raw.astype(np.int64)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise DataError(f"labels must lie in [0, {classes}), got {labels.min()} to {labels.max()}")
    return labels


def confidence_vector(values: ArrayLike) -> FloatArray:
    """(N,) finite numbers, N >= 1; raises `DataError` otherwise."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or vector.size == 0:
        raise DataError(f"confidences must have shape (rows,) with at least one row, got {vector.shape}")
    if not np.isfinite(vector).all():
        raise DataError("confidences must be finite", hint="leave out the rows on which the tier failed")
    return vector


def same_length(what: str, values: ArrayLike, rows: int) -> NDArray[Any]:
    array = np.asarray(values)
    if array.shape != (rows,):
        raise DataError(f"{what} must have shape ({rows},), one per row, got {array.shape}")
    return array


def clipped_log(probabilities: FloatArray, floor: float = PROBABILITY_FLOOR) -> FloatArray:
    return np.asarray(np.log(np.maximum(probabilities, floor)), dtype=np.float64)


def logsumexp(logits: FloatArray) -> FloatArray:
    """(N, C) -> (N,)"""
    top = logits.max(axis=1)
    return np.asarray(top + np.log(np.exp(logits - top[:, None]).sum(axis=1)), dtype=np.float64)


def log_softmax(logits: FloatArray) -> FloatArray:
    """Row-wise over (N, C)."""
    return logits - logsumexp(logits)[:, None]


def softmax(logits: FloatArray) -> FloatArray:
    """Row-wise over (N, C); a logit of -inf gets probability 0 as long as one logit of the row is finite."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def sigmoid(values: FloatArray) -> FloatArray:
    """Through tanh, which cannot overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), dtype=np.float64)
