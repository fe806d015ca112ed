"""Comparisons and outcome tables: counted, filtered, split and joined without a row changing sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.errors import DataError, UnknownNameError
from mendgraph.training.prompt_routing.comparisons import Comparisons, Responses
from mendgraph.training.prompt_routing.outcomes import Outcomes

Row = tuple[str, str, str, float]


def told(table: Comparisons) -> list[Row]:
    """(prompt, first, second, outcome), sorted."""
    return sorted(
        (table.prompts[row], table.models[one], table.models[other], float(outcome))
        for row, one, other, outcome in zip(table.rows, table.first, table.second, table.outcome, strict=True)
    )


@st.composite
def outcomes(draw: st.DrawFn) -> Outcomes:
    size, models = draw(st.integers(1, 8)), draw(st.integers(2, 4))
    noise = np.random.default_rng(draw(st.integers(0, 2**20)))
    scores = noise.integers(0, 3, (size, models)) / 2
    scores[noise.random((size, models)) < 0.2] = np.nan
    names = "abcdefgh"[:models]
    return Outcomes.of(
        [f"p{row}" for row in range(size)], names, scores, [f"g{row % 2}" for row in range(size)]
    )


@given(outcomes())
def test_every_pair_of_known_scores_is_compared_once(table: Outcomes) -> None:
    found = table.comparisons()
    known = (~np.isnan(table.scores)).sum(axis=1)
    assert len(found) == (known * (known - 1) // 2).sum()
    assert found.counts().sum() == 2 * len(found)
    gaps = table.scores[found.rows, found.first] - table.scores[found.rows, found.second]
    assert (np.sign(gaps) == np.sign(found.outcome - 0.5)).all()
    assert (found.both_bad <= found.tie).all()


@given(outcomes(), st.floats(0, 1))
def test_a_wider_tie_leaves_fewer_decisions(table: Outcomes, width: float) -> None:
    assert len(table.comparisons(width).decisive()) <= len(table.comparisons().decisive())
    assert len(table.comparisons(1.0).decisive()) == 0


@given(outcomes(), st.integers(0, 5))
def test_models_with_few_comparisons_go(table: Outcomes, least: int) -> None:
    found = table.comparisons()
    if least > found.counts().max(initial=0):
        with pytest.raises(DataError, match="fewer than two models"):
            found.at_least(least)
        return
    try:
        kept = found.at_least(least)
    except DataError:
        return  # enough before, too few once others had gone
    assert (kept.counts() >= least).all()
    assert set(told(kept)) == {row for row in told(found) if row[1] in kept.models and row[2] in kept.models}


@given(outcomes(), outcomes())
def test_joining_keeps_every_comparison(one: Outcomes, other: Outcomes) -> None:
    parts = [one.comparisons(), other.comparisons()]
    assert told(Comparisons.joined(parts)) == sorted(told(parts[0]) + told(parts[1]))


@given(outcomes(), st.integers(0, 99))
def test_prompts_taken_out_keep_their_comparisons(table: Outcomes, seed: int) -> None:
    found = table.comparisons()
    order = np.random.default_rng(seed).permutation(len(found.prompts))
    half = order[: len(order) // 2].tolist()
    rest = order[len(order) // 2 :].tolist()
    assert told(found) == sorted(told(found.of_prompts(half)) + told(found.of_prompts(rest)))


@given(outcomes(), outcomes())
def test_a_joined_table_knows_what_its_parts_knew(one: Outcomes, other: Outcomes) -> None:
    both = Outcomes.joined([one, other])
    assert len(both) == len(one) + len(other)
    again = both.take(range(len(one))).scores[:, [both.models.index(name) for name in one.models]]
    assert np.array_equal(again, one.scores, equal_nan=True)


def test_models_can_be_picked_and_a_wrong_one_is_named() -> None:
    table = Outcomes.of(["x", "y"], ["one", "two", "three"], [[1, 0, 0.5], [np.nan, np.nan, 1]])
    found = table.of_models(["two", "one"])
    assert (found.prompts, found.scores.tolist()) == (("x",), [[0, 1]])
    with pytest.raises(UnknownNameError, match="did you mean 'three'"):
        table.of_models(["tree"])


def test_two_bad_answers_are_told_from_two_good_ones() -> None:
    found = Outcomes.of(["x", "y"], ["a", "b"], [[0, 0], [1, 1]]).comparisons()
    assert found.tie.tolist() == [True, True]
    assert found.both_bad.tolist() == [True, False]


def test_equal_prompts_are_one_prompt() -> None:
    found = Outcomes.of(["x", "x"], ["a", "b"], [[1, 0], [0, 1]]).comparisons()
    assert found.prompts == ("x",)
    assert found.rows.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"rows": [1], "first": [0], "second": [1], "outcome": [1]}, r"prompt numbers must lie in \[0, 1\)"),
        ({"rows": [0], "first": [0], "second": [2], "outcome": [1]}, "model numbers"),
        ({"rows": [0], "first": [1], "second": [1], "outcome": [1]}, "'b' is compared with itself"),
        ({"rows": [0], "first": [0], "second": [1], "outcome": [2]}, "outcomes must lie in"),
        ({"rows": [0], "first": [0], "second": [1], "outcome": [1], "weight": [0]}, "weights be positive"),
    ],
)
def test_wrong_columns_are_refused(columns: dict[str, list[int]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Comparisons.of(["x"], ["a", "b"], **columns)


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(DataError, match="scores must lie in"):
        Outcomes.of(["x"], ["a", "b"], [[0, 7]])
    with pytest.raises(DataError, match="named twice"):
        Outcomes.of(["x"], ["a", "a"], [[0, 1]])
    with pytest.raises(DataError, match="1 rows of 2 texts"):
        Responses(("x",), ("a", "b"), (("only one",),))
