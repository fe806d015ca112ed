"""Baselines find what is there to be found, and cope with what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.arrays import sigmoid
from mendgraph.core.routing_baselines import (
    NeighbourScores,
    RidgeScores,
    best_single,
    bradley_terry,
    gram_vectors,
    least_squares,
    oracle,
    prompt_blind,
    random_scores,
)
from mendgraph.errors import DataError

seeds = st.integers(0, 2**20)


@given(seeds)
def test_with_every_cell_known_strengths_are_means(seed: int) -> None:
    table = np.random.default_rng(seed).random((12, 4))
    assert least_squares(table) == pytest.approx(table.mean(axis=0))
    assert best_single(table) == table.mean(axis=0).argmax()


@given(seeds)
def test_a_model_tried_on_hard_prompts_is_not_taken_for_weak(seed: int) -> None:
    noise = np.random.default_rng(seed)
    hardness, strengths = noise.uniform(0, 0.5, 30), np.array([0.1, 0.3, 0.5])
    table = strengths + 0.5 - hardness[:, None]
    table[hardness < np.median(hardness), 2] = np.nan
    found = least_squares(table)
    assert np.diff(found) == pytest.approx([0.2, 0.2])


def test_blocks_without_a_common_prompt_are_compared_by_their_means() -> None:
    table = np.full((4, 4), np.nan)
    table[:2, :2], table[2:, 2:] = [[1, 0], [1, 0.5]], [[0.2, 0.4], [0.4, 0.4]]
    assert least_squares(table) == pytest.approx([1, 0.25, 0.3, 0.4])


def test_a_model_without_scores_is_named() -> None:
    with pytest.raises(DataError, match="model number 1 has no known score"):
        least_squares([[1.0, np.nan]])


@given(seeds, st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=5))
def test_bradley_terry_returns_the_strengths_that_made_the_odds(seed: int, truth: list[float]) -> None:
    strengths = np.array(truth) - np.mean(truth)
    first, second = np.triu_indices(len(truth), 1)
    odds = sigmoid(strengths[first] - strengths[second])
    found = bradley_terry(first, second, odds, len(truth), np.full(len(odds), 1e4))
    assert found == pytest.approx(strengths, abs=1e-3)


def test_bradley_terry_stays_finite_for_a_model_that_always_wins() -> None:
    found = bradley_terry([0, 0, 0], [1, 1, 1], [1, 1, 1], 2)
    assert np.isfinite(found).all()
    assert found[0] > found[1]


@given(seeds)
def test_ridge_reads_a_linear_prompt_and_leaves_unknown_cells_alone(seed: int) -> None:
    noise = np.random.default_rng(seed)
    vectors = noise.normal(size=(60, 3))
    table = 0.5 + vectors @ noise.normal(size=(3, 2)) * 0.05
    holes = table.copy()
    holes[:20, 1] = np.nan
    found = RidgeScores.fit(vectors, holes, 1e-6).predict(vectors)
    assert found == pytest.approx(table, abs=1e-5)


def test_a_heavy_penalty_leaves_the_prompt_blind_ranking() -> None:
    noise = np.random.default_rng(0)
    vectors, table = noise.normal(size=(20, 30)), noise.random((20, 3))
    found = RidgeScores.fit(vectors, table, 1e9).predict(vectors)
    assert found == pytest.approx(prompt_blind(table.mean(axis=0), 20), abs=1e-6)


def test_narrow_and_wide_vectors_meet_in_the_same_solution() -> None:
    noise = np.random.default_rng(1)
    vectors, table = noise.normal(size=(8, 8)), noise.random((8, 2))
    wide = np.concatenate([vectors, np.zeros((8, 5))], axis=1)
    one, other = RidgeScores.fit(vectors, table, 0.3), RidgeScores.fit(wide, table, 0.3)
    assert one.predict(vectors) == pytest.approx(other.predict(wide))


def test_neighbours_answer_like_the_prompts_around() -> None:
    vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    table = np.array([[1.0, 0.0], [1.0, np.nan], [0.0, 1.0], [0.0, 1.0]])
    found = NeighbourScores.fit(vectors, table, k=2).predict([[2.0, 0.0], [0.0, 3.0]])
    assert found.argmax(axis=1).tolist() == [0, 1]
    assert np.isfinite(found).all()


def test_grams_are_unit_vectors_that_know_like_from_unlike() -> None:
    found = gram_vectors(["what is a prime number", "what is a prime ideal", "who sang this song", ""])
    assert np.linalg.norm(found[:3], axis=1) == pytest.approx(1)
    assert not found[3].any()
    assert found[0] @ found[1] > 0.3 > found[0] @ found[2]


def test_the_oracle_cannot_choose_what_was_not_tried() -> None:
    assert oracle([[0.0, np.nan]]).argmax() == 0
    assert random_scores(3, 2, 7) == pytest.approx(random_scores(3, 2, 7))
