"""Regularised conditional logit (McFadden, 1974), the one convex fit behind calibration and combination.

    logits[n, c] = sum_p shared[n, c, p] * w[p]  +  sum_k rows[n, k] * v[c, k]

`shared` features differ by class and share a weight; `rows` features belong to the row and have a weight per
class.  Minimised: sum_n importance[n] cross_entropy(targets[n], softmax(logits[n])) + l2/2 (|w - prior|^2 +
|v|^2), with a damped Newton method.  The penalty makes the minimum unique and finite on separable data, and since
it is zero at (prior, 0), the fitted cross-entropy never exceeds the one at (prior, 0).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mendgraph.core.arrays import FloatArray, log_softmax
from mendgraph.errors import ConfigError

MAX_STEPS: Final = 100
TOLERANCE: Final = 1e-11  # on the Newton decrement, in nats over the whole set
SUFFICIENT_DECREASE: Final = 1e-4  # Armijo's constant


def fit_conditional_logit(
    shared: FloatArray,
    targets: FloatArray,
    *,
    prior: FloatArray,
    l2: float,
    rows: FloatArray | None = None,
    importance: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Weights w (P,) and v (C, K).

    Args:
        shared: (N, C, P).
        targets: (N, C), rows summing to 1; one-hot or soft.
        prior: (P,), where the penalty pulls w to.
        l2: > 0, in units of one observation.
        rows: (N, K); None for K = 0.
        importance: (N,) >= 0, how much each row counts; None for 1 each.
    """
    if not l2 > 0:
        raise ConfigError(
            f"l2: must be positive, got {l2!r}", hint="separable data have no minimum without it"
        )
    count, classes, width = shared.shape
    rows = np.zeros((count, 0)) if rows is None else rows
    importance = np.ones(count) if importance is None else importance
    origin = np.concatenate([prior, np.zeros(classes * rows.shape[1])])
    problem = _Problem(shared, rows, targets, importance[:, None], origin, l2)
    theta = _newton(problem)
    return theta[:width], theta[width:].reshape(classes, rows.shape[1])


class _Problem:
    def __init__(
        self,
        shared: FloatArray,
        rows: FloatArray,
        targets: FloatArray,
        importance: FloatArray,
        origin: FloatArray,
        l2: float,
    ) -> None:
        """importance (N, 1)"""
        self.shared, self.rows, self.targets = shared, rows, targets
        self.importance, self.origin, self.l2 = importance, origin, l2

    def log_probabilities(self, theta: FloatArray) -> FloatArray:
        _, classes, width = self.shared.shape
        per_class = theta[width:].reshape(classes, self.rows.shape[1])
        return log_softmax(self.shared @ theta[:width] + self.rows @ per_class.T)

    def loss(self, theta: FloatArray) -> float:
        pull = theta - self.origin
        likelihood = (self.importance * self.targets * self.log_probabilities(theta)).sum()
        return float(0.5 * self.l2 * (pull @ pull) - likelihood)

    def gradient(self, theta: FloatArray, residual: FloatArray) -> FloatArray:
        """residual (N, C): probabilities - targets"""
        residual = self.importance * residual
        of_shared = np.tensordot(residual, self.shared, axes=2)
        of_rows = (residual.T @ self.rows).ravel()
        return np.asarray(
            np.concatenate([of_shared, of_rows]) + self.l2 * (theta - self.origin), dtype=np.float64
        )

    def hessian(self, probabilities: FloatArray) -> FloatArray:
        # Block by block: the row features' design matrix is C-fold block-diagonal and never built.
        shared, rows = self.shared, self.rows
        (_, classes, width), extra = shared.shape, rows.shape[1]
        expected = np.einsum("nc,ncp->np", probabilities, shared)
        counted = self.importance * probabilities
        centred = counted[:, :, None] * (shared - expected[:, None, :])  # (N, C, P)
        hessian = np.empty((width + classes * extra, width + classes * extra))
        hessian[:width, :width] = np.tensordot(shared, centred, axes=((0, 1), (0, 1)))
        cross = np.tensordot(centred, rows, axes=(0, 0))  # (C, P, K)
        hessian[:width, width:] = cross.transpose(1, 0, 2).reshape(width, classes * extra)
        hessian[width:, :width] = hessian[:width, width:].T
        spread = (probabilities[:, :, None] * rows[:, None, :]).reshape(len(rows), classes * extra)
        hessian[width:, width:] = -spread.T @ (self.importance * spread)
        for index in range(classes):
            block = slice(width + index * extra, width + (index + 1) * extra)
            hessian[block, block] += rows.T @ (counted[:, index, None] * rows)
        hessian[np.diag_indices_from(hessian)] += self.l2
        return hessian


def _newton(problem: _Problem) -> FloatArray:
    theta = problem.origin
    loss = problem.loss(theta)
    for _ in range(MAX_STEPS):
        probabilities = np.exp(problem.log_probabilities(theta))
        gradient = problem.gradient(theta, probabilities - problem.targets)
        step = np.linalg.solve(problem.hessian(probabilities), gradient)
        decrement = float(gradient @ step)
        if decrement <= TOLERANCE:
            break
        size = 1.0
        while (lower := problem.loss(theta - size * step)) > loss - SUFFICIENT_DECREASE * size * decrement:
            size /= 2
            if size < 1e-6:  # the decrease is below the rounding of the loss: as good as it gets
                return theta
        theta, loss = theta - size * step, lower
    return theta
