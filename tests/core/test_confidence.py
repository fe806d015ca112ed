from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mendgraph.core.arrays import FloatArray, clipped_log, softmax
from mendgraph.core.confidence import MEASURES, energy, entropy, margin, max_probability
from mendgraph.errors import DataError

logits = st.tuples(st.integers(1, 6), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-1e3, 1e3))
)
every_measure = pytest.mark.parametrize("name", MEASURES)


@every_measure
@given(z=logits, seed=st.integers(0, 99))
def test_lies_in_the_unit_interval_and_ignores_label_order(name: str, z: FloatArray, seed: int) -> None:
    measure = MEASURES[name]
    values = measure(z)
    assert values.shape == (len(z),)
    assert ((values >= 0) & (values <= 1)).all()
    order = np.random.default_rng(seed).permutation(z.shape[1])
    np.testing.assert_allclose(measure(z[:, order]), values, atol=1e-12)


@every_measure
@given(z=logits)
def test_a_batch_equals_its_rows_one_by_one(name: str, z: FloatArray) -> None:
    measure = MEASURES[name]
    np.testing.assert_allclose(np.concatenate([measure(row[None]) for row in z]), measure(z), atol=1e-12)


@every_measure
def test_the_surer_row_scores_higher(name: str) -> None:
    low, high = MEASURES[name]([[1.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    assert low < high


@every_measure
def test_nan_stays_visible_and_harms_no_other_row(name: str) -> None:
    values = MEASURES[name]([[np.nan, 0.0], [1.0, 0.0]])
    assert np.isnan(values[0])
    assert 0 < values[1] < 1


@every_measure
def test_refuses_what_is_no_matrix(name: str) -> None:
    with pytest.raises(DataError, match=r"logits must have shape \(rows, classes\), got \(3,\)"):
        MEASURES[name]([1.0, 2.0, 3.0])


@pytest.mark.parametrize("name", ["max_probability", "margin", "entropy"])
@given(z=logits)
def test_log_probabilities_serve_as_logits(name: str, z: FloatArray) -> None:
    np.testing.assert_allclose(MEASURES[name](clipped_log(softmax(z))), MEASURES[name](z), atol=1e-9)


def test_known_values() -> None:
    half = np.log([[0.5, 0.25, 0.25]])
    assert max_probability(half) == pytest.approx([0.5])
    assert margin(half) == pytest.approx([0.25])
    assert entropy(half) == pytest.approx([1 - 1.5 / np.log2(3)])
    assert entropy(np.zeros((1, 4))) == pytest.approx([0.0])
    assert energy(np.zeros((1, 4))) == pytest.approx([0.5])
    assert energy(np.ones((1, 4))) == pytest.approx([0.75])


def test_impossible_classes_count_as_probability_zero() -> None:
    z = np.array([[0.0, -np.inf, 0.0]])
    assert max_probability(z) == pytest.approx([0.5])
    assert entropy(z) == pytest.approx([1 - np.log(2) / np.log(3)])


@given(st.floats(-100, 100), st.floats(1e-3, 50))
def test_energy_rises_with_the_level_where_soft_max_is_blind(level: float, rise: float) -> None:
    row = np.array([[1.0, -1.0, 0.5]]) + level
    assert energy(row + rise) > energy(row)
    np.testing.assert_allclose(max_probability(row + rise), max_probability(row))
