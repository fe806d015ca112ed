"""Confidence measures: logits (N, C) -> (N,) in [0, 1], higher is surer.

They take logits, because `energy` needs their absolute level, which probabilities have lost.  Where only
probabilities are known, pass their logarithms: every measure but `energy` gives the same as from the logits.
A row with NaN yields NaN, which no threshold accepts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray, logsumexp, softmax
from mendgraph.core.registry import Registry
from mendgraph.errors import DataError

Measure: TypeAlias = Callable[[ArrayLike], FloatArray]

MEASURES: Final[Registry[Measure]] = Registry("confidence measure")


@MEASURES.register("max_probability")
def max_probability(logits: ArrayLike) -> FloatArray:
    """Maximum soft-max response, in [1/C, 1] (Hendrycks and Gimpel, ICLR 2017)."""
    return np.asarray(softmax(_matrix(logits)).max(axis=1), dtype=np.float64)


@MEASURES.register("margin")
def margin(logits: ArrayLike) -> FloatArray:
    """Largest minus second largest probability; 1 when there is only one class."""
    probabilities = softmax(_matrix(logits))
    if probabilities.shape[1] == 1:
        return probabilities[:, 0]
    top = np.partition(probabilities, -2, axis=1)
    return np.asarray(top[:, -1] - top[:, -2], dtype=np.float64)


@MEASURES.register("entropy")
def entropy(logits: ArrayLike) -> FloatArray:
    """1 - H(p) / log C: 0 for the uniform distribution, 1 for a certain one and for a single class."""
    probabilities = softmax(_matrix(logits))
    classes = probabilities.shape[1]
    if classes == 1:
        return probabilities[:, 0]
    # NaN is neither > 0 nor left out: its row keeps it.
    logs = np.log(np.where(probabilities == 0, 1.0, probabilities))
    normalised = -(probabilities * logs).sum(axis=1) / np.log(classes)
    return np.asarray(np.clip(1 - normalised, 0.0, 1.0), dtype=np.float64)


@MEASURES.register("energy")
def energy(logits: ArrayLike) -> FloatArray:
    """Negative free energy e = logsumexp(z) - log C (Liu et al., 2020), squashed to (1 + e/(1+|e|))/2.

    Soft-sign, not the logistic function: it rises strictly, and does not round to 1 at the levels (20 to 40)
    that real logits reach.  All-zero logits give .5.  Logarithms of probabilities all have logsumexp 0,
    so from them this measure is a constant and tells nothing.
    """
    matrix = _matrix(logits)
    level = logsumexp(matrix) - np.log(matrix.shape[1])
    return np.asarray(0.5 * (1 + level / (1 + np.abs(level))), dtype=np.float64)


def _matrix(logits: ArrayLike) -> FloatArray:
    matrix = np.asarray(logits, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise DataError(f"logits must have shape (rows, classes), got {matrix.shape}")
    return matrix
