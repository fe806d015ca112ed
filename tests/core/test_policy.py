from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.policy import judge, plausible
from mendgraph.errors import ConfigError

unit = st.floats(0, 1)


@given(unit, unit, unit, st.booleans(), st.booleans())
def test_judge_is_monotone_in_confidence(
    one: float, two: float, threshold: float, left: bool, ask: bool
) -> None:
    low, high = (judge(c, threshold, tiers_left=left, may_ask=ask) for c in sorted((one, two)))
    assert high == "accept" or low == high
    assert (high == "accept") == (max(one, two) >= threshold)


@pytest.mark.parametrize(
    ("left", "ask", "verdict"),
    [(True, True, "defer"), (True, False, "defer"), (False, True, "ask"), (False, False, "abstain")],
)
@pytest.mark.parametrize("confidence", [None, math.nan, 0.0, 0.4999])
def test_below_the_threshold_tiers_come_before_people(
    confidence: float | None, left: bool, ask: bool, verdict: str
) -> None:
    assert judge(confidence, 0.5, tiers_left=left, may_ask=ask) == verdict


@pytest.mark.parametrize("confidence", [None, math.nan])
def test_no_confidence_is_never_accepted(confidence: float | None) -> None:
    assert judge(confidence, 0.0, tiers_left=False, may_ask=False) == "abstain"


def test_a_threshold_that_is_not_a_number_accepts_nothing() -> None:
    assert judge(1.0, math.nan, tiers_left=False, may_ask=True) == "ask"


scores = st.dictionaries(st.text(max_size=3), st.floats(0.01, 1), min_size=1, max_size=8).map(
    lambda raw: {label: value / sum(raw.values()) for label, value in raw.items()}
)


@given(scores, unit, st.integers(1, 8))
def test_plausible_is_the_shortest_likeliest_prefix(table: dict[str, float], mass: float, most: int) -> None:
    labels = plausible(table, mass=mass, most=most)
    values = [table[label] for label in labels]
    assert labels[0] == max(table, key=table.__getitem__)
    assert values == sorted(values, reverse=True)
    assert min(2, most, len(table)) <= len(labels) <= most
    rest = [value for label, value in table.items() if label not in labels]
    assert max(rest, default=0) <= values[-1]
    if len(labels) > 2:
        assert sum(values[:-1]) < mass
    if rest and len(labels) < most:
        assert sum(values) >= mass - 1e-9


def test_plausible_by_hand() -> None:
    table = {"joy": 0.05, "anger": 0.5, "fear": 0.3, "love": 0.15}
    assert plausible(table) == ("anger", "fear", "love")
    assert plausible(table, mass=0.8) == ("anger", "fear")
    assert plausible(table, mass=0.1) == ("anger", "fear")
    assert plausible(table, most=1) == ("anger",)
    assert plausible({"b": 0.5, "a": 0.5}) == ("b", "a")
    assert plausible({}) == ()
    with pytest.raises(ConfigError, match="most: must be at least 1, got 0"):
        plausible(table, most=0)
