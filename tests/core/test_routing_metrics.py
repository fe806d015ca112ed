"""Laws of the routing measures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.metrics import (
    apgr,
    cpt,
    frontier,
    oracle_gap_share,
    pairwise_accuracy,
    regret,
    strong_share_curve,
    trade_off,
)
from mendgraph.errors import DataError

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def two_models(draw: st.DrawFn) -> Rows:
    """(router's wish, weak, strong) with strong better on the whole."""
    size = draw(st.integers(3, 40))
    noise = np.random.default_rng(draw(st.integers(0, 2**20)))
    weak, strong = noise.integers(0, 2, size), noise.integers(0, 2, size)
    strong[0], weak[0] = 1, 0
    if strong.mean() <= weak.mean():
        strong[:], strong[-1] = 1, weak[-1]
    wish = noise.integers(0, draw(st.integers(1, 30)), size).astype(float)
    return wish, weak.astype(float), strong.astype(float)


@given(two_models(), st.integers(0, 1000))
def test_row_order_does_not_matter(rows: Rows, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows[0]))
    moved = [column[order] for column in rows]
    assert apgr(*rows) == pytest.approx(apgr(*moved))
    assert cpt(*rows, 0.5) == pytest.approx(cpt(*moved, 0.5))


@given(two_models())
def test_only_the_order_of_the_scores_counts(rows: Rows) -> None:
    wish, weak, strong = rows
    assert apgr(np.exp(wish / 10), weak, strong) == pytest.approx(apgr(*rows))


@given(two_models())
def test_the_opposite_router_mirrors(rows: Rows) -> None:
    wish, weak, strong = rows
    assert apgr(-wish, weak, strong) == pytest.approx(1 - apgr(*rows))


@given(two_models())
def test_a_router_that_cannot_tell_is_random(rows: Rows) -> None:
    _, weak, strong = rows
    flat = np.zeros(len(weak))
    assert apgr(flat, weak, strong) == pytest.approx(0.5)
    assert cpt(flat, weak, strong, 0.8) == pytest.approx(0.8)


@given(two_models())
def test_the_oracle_is_best(rows: Rows) -> None:
    _, weak, strong = rows
    best = strong - weak
    assert apgr(best, weak, strong) >= apgr(*rows) - 1e-12
    assert cpt(best, weak, strong, 0.5) <= cpt(*rows, 0.5) + 1e-12


@given(two_models(), st.floats(0.05, 1), st.floats(0.05, 1))
def test_more_recovery_takes_more_calls(rows: Rows, one: float, other: float) -> None:
    few, many = sorted((one, other))
    assert 0 <= cpt(*rows, few) <= cpt(*rows, many) + 1e-12
    assert cpt(*rows, many) <= 1


@given(two_models())
def test_the_curve_runs_from_weak_to_strong(rows: Rows) -> None:
    share, quality = strong_share_curve(*rows)
    assert (share[0], share[-1]) == (0, pytest.approx(1))
    assert (quality[0], quality[-1]) == (pytest.approx(rows[1].mean()), pytest.approx(rows[2].mean()))
    assert (np.diff(share) > 0).all()


def test_figures_by_hand() -> None:
    weak, strong = [0, 0, 1, 1], [1, 1, 1, 1]
    wish = [4.0, 3.0, 2.0, 1.0]  # both gains first: half of the calls recover everything
    assert apgr(wish, weak, strong) == pytest.approx(0.75)
    assert cpt(wish, weak, strong, 0.5) == pytest.approx(0.25)
    assert np.isnan(apgr(wish, strong, strong))
    assert np.isnan(cpt(wish, strong, strong, 0.5))


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match="finite"):
        apgr([np.nan], [0], [1])
    with pytest.raises(DataError, match="weak must have shape"):
        apgr([1.0], [0, 0], [1])
    with pytest.raises(DataError, match=r"recovered must lie in \(0, 1\]"):
        cpt([1.0], [0], [1], 0)
    with pytest.raises(DataError, match="no known score"):
        regret([0], [[np.nan, 1.0]])


@st.composite
def table(draw: st.DrawFn) -> np.ndarray:
    size, models = draw(st.integers(1, 20)), draw(st.integers(2, 5))
    return np.random.default_rng(draw(st.integers(0, 2**20))).random((size, models)).round(1)


@given(table(), st.integers(0, 100))
def test_regret_is_nothing_for_the_oracle_alone(scores: np.ndarray, seed: int) -> None:
    chosen = np.random.default_rng(seed).integers(0, scores.shape[1], len(scores))
    assert regret(scores.argmax(axis=1), scores) == 0
    assert 0 <= regret(chosen, scores) <= 1


@given(table())
def test_shares_of_the_gap(scores: np.ndarray) -> None:
    single = int(scores.mean(axis=0).argmax())
    always = np.full(len(scores), single)
    whole = oracle_gap_share(scores.argmax(axis=1), scores, single)
    assert np.isnan(whole) or whole == pytest.approx(1)
    assert np.isnan(whole) or oracle_gap_share(always, scores, single) == pytest.approx(0)


@given(table())
def test_dearer_quality_costs_less(scores: np.ndarray) -> None:
    costs = np.arange(scores.shape[1], dtype=float)
    spent, reached = frontier(scores, costs, scores, [0.0, 0.05, 0.3, 10.0])
    assert (np.diff(spent) <= 1e-12).all()
    assert (np.diff(reached) <= 1e-12).all()
    assert spent[-1] == 0


def test_the_cheaper_of_equals_is_chosen_and_none_forbidden() -> None:
    expected = [[0.5, 0.5, 0.2], [-np.inf, 0.1, 0.9]]
    assert trade_off(expected, [2.0, 1.0, 0.0], 0.0).tolist() == [1, 2]
    assert trade_off(expected, [0.0, 1.0, 1.0], 99.0).tolist() == [0, 2]


def test_pairs_that_are_right() -> None:
    values = np.array([[0.9, 0.1, 0.1]])
    rows, first, second = [0, 0, 0, 0], [0, 1, 1, 2], [1, 2, 0, 0]
    assert pairwise_accuracy(values, rows, first, second, [1, 1, 0, 0.5]) == pytest.approx((1 + 0.5 + 1) / 3)
    assert np.isnan(pairwise_accuracy(values, [0], [0], [1], [0.5]))
