from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.arrays import BoolArray, FloatArray
from mendgraph.core.metrics import coverage_at_risk
from mendgraph.core.policy import judge
from mendgraph.core.thresholds import NEVER, Threshold, for_cost, for_coverage, for_risk
from mendgraph.errors import ArtifactError, DataError

unit = st.floats(0, 1)


@st.composite
def scored(draw: st.DrawFn) -> tuple[FloatArray, BoolArray]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40))
    confidence, correct = zip(*pairs, strict=True)
    return np.array(confidence) / 10, np.array(correct)


def measured(confidence: FloatArray, correct: BoolArray, threshold: float) -> tuple[float, float]:
    accepted = np.array(
        [judge(c, threshold, tiers_left=False, may_ask=False) == "accept" for c in confidence]
    )
    return accepted.mean(), (accepted & ~correct).sum() / max(accepted.sum(), 1)


@given(scored(), unit)
def test_what_is_promised_is_what_judge_does(pair: tuple[FloatArray, BoolArray], wish: float) -> None:
    confidence, correct = pair
    for chosen in (
        for_risk(confidence, correct, wish),
        for_coverage(confidence, wish, correct),
        for_cost(confidence, correct, 1, wish),
    ):
        assert measured(confidence, correct, chosen.value) == pytest.approx((chosen.coverage, chosen.risk))
        assert Threshold.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen


@given(scored(), unit, unit)
def test_risk_is_kept_with_the_largest_coverage(
    pair: tuple[FloatArray, BoolArray], one: float, two: float
) -> None:
    confidence, correct = pair
    strict, lax = (for_risk(confidence, correct, risk) for risk in sorted((one, two)))
    assert strict.coverage <= lax.coverage
    assert strict.value >= lax.value
    assert strict.risk is not None
    assert strict.risk <= min(one, two)
    assert strict.coverage == pytest.approx(coverage_at_risk(confidence, correct, min(one, two)))


@given(scored(), unit, unit)
def test_coverage_is_reached_by_the_highest_threshold(
    pair: tuple[FloatArray, BoolArray], one: float, two: float
) -> None:
    confidence, correct = pair
    low, high = (for_coverage(confidence, share) for share in sorted((one, two)))
    assert low.coverage >= min(one, two) - 1e-9
    assert low.value >= high.value
    assert low.risk is None
    just_above = np.nextafter(low.value, 2)
    if low.coverage and low.value:
        assert measured(confidence, correct, just_above)[0] < min(one, two)


@given(scored(), st.floats(0.1, 10), st.floats(0, 10))
def test_no_threshold_costs_less(pair: tuple[FloatArray, BoolArray], error: float, defer: float) -> None:
    confidence, correct = pair
    chosen = for_cost(confidence, correct, error, defer)

    def cost(threshold: float) -> float:
        coverage, risk = measured(confidence, correct, threshold)
        return error * coverage * risk + defer * (1 - coverage)

    assert all(cost(chosen.value) <= cost(other) + 1e-9 for other in [0.0, *confidence, NEVER])
    assert for_cost(confidence, correct, 2 * error, 2 * defer).value == chosen.value


def test_unattainable_risk_accepts_nothing() -> None:
    chosen = for_risk([0.9, 1.0], [True, False], 0.1)
    assert chosen == Threshold(NEVER, coverage=0.0, risk=0.0, rule="risk <= 0.1")
    assert not chosen.attainable
    assert judge(1.0, chosen.value, tiers_left=False, may_ask=False) == "abstain"
    assert json.loads(json.dumps(NEVER)) == NEVER > 1


def test_values_by_hand() -> None:
    confidence, correct = [0.9, 0.8, 0.7, 0.6], [True, True, False, True]
    assert for_risk(confidence, correct, 0.0).value == 0.8
    assert for_risk(confidence, correct, 0.25).value == 0  # everything
    assert for_coverage(confidence, 0.5).value == 0.8
    assert for_coverage([0.9, 0.5, 0.5, 0.1], 0.5).coverage == 0.75  # equal confidences stay together
    assert for_cost(confidence, correct, 1, 0.4).value == 0.8
    assert for_cost(confidence, correct, 1, 0.6).value == 0
    assert for_cost(confidence, correct, 1, 0).value == 0.8


def test_a_risk_that_rounding_would_miss() -> None:
    # 0.29 * 100 is 28.999999999999996
    assert for_risk(np.full(100, 0.5), np.arange(100) >= 29, 0.29).coverage == 1


def test_bad_wishes_say_why() -> None:
    with pytest.raises(DataError, match=r"risk must lie in \[0, 1\], got 5"):
        for_risk([0.5], [True], 5)
    with pytest.raises(DataError, match=r"coverage must lie in \[0, 1\], got -1"):
        for_coverage([0.5], -1)
    with pytest.raises(DataError, match="costs must be finite and >= 0"):
        for_cost([0.5], [True], -1, 0)
    with pytest.raises(DataError, match=r"confidences must lie in \[0, 1\], got 0.5 to 7"):
        for_risk([0.5, 7.0], [True, True], 0.1)
    for value in (-0.1, 2.0, float("nan"), float("inf")):
        with pytest.raises(ArtifactError, match="threshold must lie in"):
            Threshold(value, 0.5, 0.1, "by hand")
