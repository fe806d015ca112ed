"""Laws of routing by token: mixtures, choices, laziness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mendgraph.core.arrays import FloatArray
from mendgraph.core.token_routing import (
    adequate,
    best_expert,
    expert_weights,
    lazy_expert,
    mixture_nats,
    spoken_nats,
    switch_rate,
)
from mendgraph.errors import DataError

shapes = st.tuples(st.integers(1, 4), st.integers(1, 12))
finite = st.floats(-20, 20)


@st.composite
def costs(draw: st.DrawFn) -> tuple[FloatArray, FloatArray]:
    """Scores and nats of one shape."""
    shape = draw(shapes)
    return draw(arrays(float, shape, elements=finite)), draw(arrays(float, shape, elements=st.floats(0, 30)))


@given(costs())
def test_a_mixture_lies_between_its_best_and_its_worst_expert(given_: tuple[FloatArray, FloatArray]) -> None:
    scores, nats = given_
    mixed = mixture_nats(scores, nats)
    assert (mixed >= nats.min(axis=0) - 1e-9).all()
    assert (mixed <= nats.max(axis=0) + 1e-9).all()


@given(costs())
def test_a_mixture_costs_no_more_than_an_expert_drawn_by_its_weights(
    given_: tuple[FloatArray, FloatArray],
) -> None:
    scores, nats = given_
    drawn = (expert_weights(scores) * nats).sum(axis=0)
    assert (mixture_nats(scores, nats) <= drawn + 1e-9).all()


@given(costs(), st.floats(-5, 5))
def test_weights_sum_to_one_and_do_not_see_a_shift(
    given_: tuple[FloatArray, FloatArray], shift: float
) -> None:
    scores, _ = given_
    weights = expert_weights(scores, 2.0)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    np.testing.assert_allclose(expert_weights(scores + shift, 2.0), weights, atol=1e-9)


@given(costs())
def test_sharp_weights_are_the_best_expert(given_: tuple[FloatArray, FloatArray]) -> None:
    scores, nats = given_
    spread = scores + np.arange(len(scores))[:, None] * 1e-3  # no ties
    sharp = mixture_nats(spread, nats, temperature=1e-6)
    np.testing.assert_allclose(sharp, spoken_nats(nats, best_expert(spread)), atol=1e-6)


@given(arrays(float, shapes, elements=st.floats(0, 1)))
def test_who_always_doubts_hears_all_and_who_never_doubts_stays(trust: FloatArray) -> None:
    starts = [0]
    always, heard = lazy_expert(trust, starts, 1.1)
    assert heard.all()
    np.testing.assert_array_equal(always, best_expert(trust))
    never, asked = lazy_expert(trust, starts, 0.0)
    assert set(never) == {best_expert(trust)[0]}
    assert asked.sum() == 1


@given(arrays(float, shapes, elements=st.floats(0, 1)), st.floats(0, 1))
def test_passages_do_not_see_each_other(trust: FloatArray, threshold: float) -> None:
    twice = np.concatenate([trust, trust], axis=1)
    both, heard = lazy_expert(twice, [0, trust.shape[1]], threshold)
    alone, asked = lazy_expert(trust, [0], threshold)
    np.testing.assert_array_equal(both, np.tile(alone, 2))
    np.testing.assert_array_equal(heard, np.tile(asked, 2))


def test_lazy_follows_the_rule_step_by_step() -> None:
    trust = np.array([[0.9, 0.6, 0.2, 0.9, 0.9], [0.1, 0.8, 0.7, 0.6, 0.1]])
    active, heard = lazy_expert(trust, [0], 0.5)
    assert active.tolist() == [0, 0, 1, 1, 0]
    assert heard.tolist() == [True, False, True, False, True]


def test_switch_rate_leaves_first_tokens_out() -> None:
    assert switch_rate([0, 1, 1, 0, 0], [0, 3]) == pytest.approx(1 / 3)
    assert np.isnan(switch_rate([0, 1], [0, 1]))


def test_the_best_expert_is_adequate_and_tolerance_admits_more() -> None:
    nats = np.array([[1.0, 5.0], [1.4, 2.0]])
    assert adequate(nats, 0.0).tolist() == [[True, False], [False, True]]
    assert adequate(nats, 0.5).tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("starts", [[], [1], [0, 0], [0, 9]])
def test_starts_that_do_not_fit_are_refused(starts: list[int]) -> None:
    with pytest.raises(DataError, match="passages must begin"):
        lazy_expert(np.full((2, 3), 0.5), starts, 0.5)
