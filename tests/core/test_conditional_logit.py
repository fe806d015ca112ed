from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mendgraph.core.arrays import log_softmax
from mendgraph.core.conditional_logit import fit_conditional_logit
from mendgraph.errors import ConfigError


def test_equals_multinomial_logistic_regression() -> None:
    generator = np.random.default_rng(0)
    rows, labels = generator.normal(size=(300, 3)), generator.integers(0, 4, 300)
    _, weights = fit_conditional_logit(
        np.zeros((300, 4, 0)), np.eye(4)[labels], prior=np.zeros(0), l2=1.0, rows=rows
    )
    reference = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-12, max_iter=5000).fit(rows, labels)
    np.testing.assert_allclose(weights, reference.coef_, atol=1e-5)


def test_the_gradient_vanishes_at_the_minimum_of_the_stated_loss() -> None:
    generator = np.random.default_rng(1)
    shared, rows = generator.normal(size=(80, 3, 2)), generator.normal(size=(80, 2))
    targets = generator.dirichlet(np.ones(3), 80)
    prior = np.array([0.5, -0.5])
    w, v = fit_conditional_logit(shared, targets, prior=prior, l2=0.3, rows=rows)

    def loss(theta: np.ndarray) -> float:
        logits = shared @ theta[:2] + rows @ theta[2:].reshape(3, 2).T
        penalty = ((theta[:2] - prior) ** 2).sum() + (theta[2:] ** 2).sum()
        return float(-(targets * log_softmax(logits)).sum() + 0.15 * penalty)

    best = np.concatenate([w, v.ravel()])
    slopes = [(loss(best + step) - loss(best - step)) / 2e-5 for step in 1e-5 * np.eye(len(best))]
    np.testing.assert_allclose(slopes, 0, atol=1e-4)


def test_separable_data_stay_finite_and_extreme_features_converge() -> None:
    shared = np.zeros((40, 2, 1))
    shared[:, 1, 0] = np.where(np.arange(40) < 20, 1e4, -1e4)
    targets = np.eye(2)[(np.arange(40) < 20).astype(int)]
    w, _ = fit_conditional_logit(shared, targets, prior=np.zeros(1), l2=1e-3)
    assert np.isfinite(w).all()
    assert w[0] > 0


@pytest.mark.parametrize("l2", [0.0, -1.0, float("nan")])
def test_a_fit_without_penalty_is_refused(l2: float) -> None:
    with pytest.raises(ConfigError, match="l2: must be positive"):
        fit_conditional_logit(np.zeros((2, 2, 1)), np.eye(2), prior=np.zeros(1), l2=l2)
