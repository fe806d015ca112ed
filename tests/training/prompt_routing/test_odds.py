"""The likelihood's minimum is the one it claims to be, and finds what made the outcomes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mendgraph.core.arrays import FloatArray, sigmoid
from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.odds import OddsFit, fit_odds

PENALTIES = {"shared_penalty": 2.0, "penalty": 3.0, "group_penalty": 1.5}


def drawn(seed: int, rows: int = 60, models: int = 3) -> tuple[FloatArray, FloatArray, FloatArray]:
    noise = np.random.default_rng(seed)
    points = noise.normal(size=(rows, 4)) / 2
    shares = noise.dirichlet(np.ones(2), rows)
    scores = noise.integers(0, 3, (rows, models)) / 2
    scores[noise.random((rows, models)) < 0.1] = np.nan
    return points, shares, scores


def objective(fit: OddsFit, points: FloatArray, shares: FloatArray, scores: FloatArray) -> float:
    """The best split of `weights` into shared and own ones is the one that costs least."""
    models = scores.shape[1]
    ratio = PENALTIES["penalty"] / (PENALTIES["shared_penalty"] + models * PENALTIES["penalty"])
    shared = ratio * fit.weights.sum(axis=1, keepdims=True)
    own = fit.weights - shared
    quality = np.clip(fit.quality(points, shares), 1e-12, 1 - 1e-12)
    likelihood = scores * np.log(quality) + (1 - scores) * np.log(1 - quality)
    return float(
        -np.nansum(likelihood)
        + PENALTIES["shared_penalty"] / 2 * (shared**2).sum()
        + PENALTIES["penalty"] / 2 * (own**2).sum()
        + PENALTIES["group_penalty"] / 2 * (fit.offsets**2).sum()
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**16))
def test_no_step_in_any_direction_is_better(seed: int) -> None:
    data = drawn(seed)
    fit = fit_odds(*data, **PENALTIES)
    noise = np.random.default_rng(seed)
    least = objective(fit, *data)
    for size in (0.3, 0.05):
        moved = OddsFit(
            *(
                part + size * noise.normal(size=part.shape)
                for part in (fit.strengths, fit.weights, fit.offsets)
            )
        )
        assert objective(moved, *data) >= least - 1e-3


def test_what_is_hard_for_all_is_learned_from_all() -> None:
    noise = np.random.default_rng(0)
    points = noise.normal(size=(800, 5)) / np.sqrt(5)
    truth = 3.0 * points[:, :1] + np.array([-1.0, 0.0, 1.0, 2.0])
    scores = (noise.random(truth.shape) < sigmoid(truth)).astype(float)
    fit = fit_odds(points, np.zeros((800, 0)), scores, penalty=50.0)
    assert fit.strengths == pytest.approx([-1, 0, 1, 2], abs=0.4)
    assert fit.weights[0] == pytest.approx(2.7, abs=0.7)
    assert np.abs(fit.weights[1:]).max() < 0.5


def test_gain_has_a_ceiling_at_either_end() -> None:
    """Two LLMs of different strength and one difficulty: most is gained in between, little at the ends."""
    noise = np.random.default_rng(1)
    ease = np.linspace(-8, 8, 900)[:, None]
    scores = (noise.random((900, 2)) < sigmoid(ease + np.array([-1.0, 1.0]))).astype(float)
    quality = fit_odds(ease / 4, np.zeros((900, 0)), scores, penalty=10.0).quality(
        ease / 4, np.zeros((900, 0))
    )
    gain = quality[:, 1] - quality[:, 0]
    assert gain[450] > 0.3
    assert max(gain[0], gain[-1]) < 0.1


def test_groups_have_their_own_ranking() -> None:
    shares = np.eye(2)[[0, 1] * 100]
    scores = shares * 0.9 + 0.05
    fit = fit_odds(np.zeros((200, 1)), shares, scores)
    assert fit.quality(np.zeros((2, 1)), np.eye(2)).argmax(axis=1).tolist() == [0, 1]


def test_a_model_without_outcomes_is_named_and_one_that_never_fails_stays_finite() -> None:
    with pytest.raises(DataError, match="model number 1 has no known score"):
        fit_odds(np.zeros((2, 1)), np.zeros((2, 0)), np.array([[1.0, np.nan], [0.0, np.nan]]))
    fit = fit_odds(np.ones((5, 1)), np.zeros((5, 0)), np.array([[1.0, 0.0]] * 5))
    assert np.isfinite(fit.strengths).all()
    assert np.isfinite(fit.weights).all()
