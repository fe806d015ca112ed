"""The policy fitted on held-out rows: thresholds keep their promises, calibration belongs to its weights."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mendgraph.core.arrays import FloatArray, softmax
from mendgraph.core.healing import HealingPolicy, IronyRule
from mendgraph.core.thresholds import NEVER
from mendgraph.training.emotion import policy as module
from mendgraph.training.emotion.policy import (
    EMOJI_THRESHOLD,
    IRONIC_LITERAL,
    Heard,
    IronyHeard,
    fit_policy,
    irony_rule,
)
from mendgraph.training.emotion.walk import walk

NAMES = ("joy", "sadness", "anger", "love")
TIERS = ("primary", "lexical", "neighbours")


def hear(rows: int = 400, *, seed: int = 0, skills: Sequence[float] = (2.0, 1.5, 1.0)) -> Heard:
    """Tiers that err apart, the first one overconfident."""
    noise = np.random.default_rng(seed)
    labels = noise.integers(0, len(NAMES), rows)
    truth = np.eye(len(NAMES))[labels]
    said = {
        tier: softmax((3.0 if tier == "primary" else 1.0) * (skill * truth + noise.normal(size=truth.shape)))
        for tier, skill in zip(TIERS, skills, strict=False)
    }
    return Heard(said, labels, {tier: f"weights of {tier}" for tier in said})


@st.composite
def stages(draw: st.DrawFn) -> tuple[list[tuple[npt.NDArray[np.int64], FloatArray]], npt.NDArray[np.int64]]:
    """What up to three stages say about some rows: any skill, any confidence, many ties."""
    rows = draw(st.integers(1, 60))
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = noise.integers(0, 3, rows)
    grid = draw(st.sampled_from([1, 3, 1000]))
    found = []
    for _ in range(draw(st.integers(1, 3))):
        right = noise.random(rows) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
        said = np.where(right, labels, (labels + 1) % 3)
        found.append((said, np.ceil(noise.random(rows) * grid) / grid))
    return found, labels


@settings(max_examples=200)
@given(stages(), st.sampled_from([0.0, 0.05, 0.2, 1.0]), st.sampled_from([0.0, 0.01, 0.1]))
def test_on_the_rows_they_were_chosen_on_thresholds_keep_what_was_asked(
    told: tuple[list[tuple[npt.NDArray[np.int64], FloatArray]], npt.NDArray[np.int64]],
    risk: float,
    loss: float,
) -> None:
    found, labels = told
    order = list(TIERS[: len(found)])
    chosen = module._thresholds(order, found, labels, risk, loss)
    open_rows = np.ones(len(labels), dtype=bool)
    wrong = accepted = 0
    for tier, (said, sure) in zip(order, found, strict=True):
        leaving = open_rows & (sure >= chosen[tier])
        right = said == labels
        if tier != order[-1]:
            lost = int((found[-1][0] == labels)[leaving].sum()) - int(right[leaving].sum())
            assert lost <= loss * len(labels) + 1e-9
        wrong += int((~right[leaving]).sum())
        accepted += int(leaving.sum())
        assert wrong <= risk * accepted + 1e-9
        open_rows &= ~leaving
    assert chosen["irony"] == chosen["default"] == chosen[order[-1]]
    assert chosen["emoji"] == EMOJI_THRESHOLD


def test_ties_leave_together_or_not_at_all() -> None:
    labels = np.array([0, 0, 0, 0])
    said = np.array([0, 1, 1, 1])  # the first of four equally sure rows happens to be right
    sure = np.full(4, 0.9)
    assert module._thresholds(["only"], [(said, sure)], labels, 0.1, 0.0)["only"] == NEVER
    both = [(said, sure), (labels, sure)]
    assert module._thresholds(["first", "last"], both, labels, 0.1, 0.0) == {
        "first": NEVER,
        "last": 0.9,
        "irony": 0.9,
        "emoji": EMOJI_THRESHOLD,
        "default": 0.9,
    }


def test_an_early_exit_is_as_early_as_the_budget_allows() -> None:
    labels = np.zeros(10, dtype=np.int64)
    final = np.zeros(10, dtype=np.int64)
    first = np.array([0, 0, 0, 0, 0, 0, 1, 0, 1, 1])
    sure = np.linspace(1.0, 0.1, 10)
    stages = [(first, sure), (final, sure)]
    free = module._thresholds(["first", "last"], stages, labels, 0.5, 0.0)
    one = module._thresholds(["first", "last"], stages, labels, 0.5, 0.1)
    assert free["first"] == pytest.approx(0.5)
    assert one["first"] == pytest.approx(0.3)


def test_a_fitted_policy_is_about_as_wrong_as_asked_on_new_rows() -> None:
    skills = (1.5, 1.0, 0.5)
    policy, fresh = fit_policy(hear(1200, skills=skills), NAMES, risk=0.1), hear(4000, seed=1, skills=skills)
    walked = walk(policy, fresh)
    right = walked.said == fresh.labels
    assert 0.5 < walked.accepted.mean() < 1.0
    assert (~right[walked.accepted]).mean() == pytest.approx(0.1, abs=0.03)
    # Confidence says how often it is right: in the lower and in the upper half.
    median = np.median(walked.confidence)
    for half in (walked.confidence <= median, walked.confidence > median):
        assert walked.confidence[half].mean() == pytest.approx(right[half].mean(), abs=0.05)


def test_a_smaller_risk_never_accepts_more() -> None:
    heard = hear()
    shares = [walk(fit_policy(heard, NAMES, risk=risk), heard).accepted.mean() for risk in (0.02, 0.1, 0.3)]
    assert shares == sorted(shares)
    assert shares[0] < shares[-1]


def test_an_early_exit_costs_next_to_nothing() -> None:
    heard = hear(1000)
    whole = fit_policy(heard, NAMES, risk=0.1, loss=0.0)
    never = dict.fromkeys(TIERS[:-1], NEVER)
    patient = HealingPolicy(
        **{name: getattr(whole, name) for name in HealingPolicy.__slots__ if name != "thresholds"},
        thresholds={**whole.thresholds, **never},
    )
    fresh = hear(4000, seed=2)
    quick, slow = (float((walk(p, fresh).said == fresh.labels).mean()) for p in (whole, patient))
    assert quick >= slow - 0.02
    assert whole.thresholds["primary"] < NEVER


def test_a_risk_nothing_can_reach_accepts_nothing() -> None:
    labels = np.arange(200) % len(NAMES)
    said = {tier: np.full((200, len(NAMES)), 1 / len(NAMES)) for tier in TIERS}  # nobody knows anything
    heard = Heard(said, labels, dict.fromkeys(TIERS, "blind"))
    policy = fit_policy(heard, NAMES, risk=0.1)
    assert [policy.thresholds[tier] for tier in TIERS] == [NEVER] * 3
    assert policy.thresholds["irony"] == policy.thresholds["default"] == NEVER
    assert not walk(policy, heard).accepted.any()


def test_calibrators_and_combinations_belong_to_the_weights_that_were_heard() -> None:
    heard = hear()
    policy = fit_policy(heard, NAMES, risk=0.2)
    assert policy.labels == NAMES
    assert {tier: c.fingerprint for tier, c in policy.calibrators.items()} == heard.fingerprints
    assert policy.fingerprints == heard.fingerprints
    assert policy.combiners is not None
    subsets = {"+".join(sorted(c.tiers)) for c in policy.combiners.combiners}
    assert set(policy.combined) == subsets
    assert len(subsets) == 4  # three pairs, and all
    assert policy.target == {"risk": 0.2, "early_exit_loss": 0.001}
    assert policy.irony is None


def test_one_tier_alone_needs_no_combination() -> None:
    policy = fit_policy(hear(skills=(2.0,)), NAMES)
    assert policy.combiners is None
    assert (policy.combined, policy.fingerprints) == ({}, {})
    assert policy.thresholds["primary"] == policy.thresholds["default"] < 1.0


def test_the_same_seed_gives_the_same_policy_and_json_keeps_it() -> None:
    policies = [fit_policy(hear(150), NAMES, seed=seed) for seed in (3, 3, 4)]
    first, same, other = (json.dumps(policy.to_dict(), allow_nan=False) for policy in policies)
    assert first == same != other
    assert HealingPolicy.from_dict(json.loads(first)) == policies[0]


def irony(ironic: Sequence[float], truth: Sequence[bool], plain: Sequence[float] = (0.0,)) -> IronyHeard:
    return IronyHeard(np.array(ironic), np.array(truth, dtype=bool), np.array(plain, dtype=np.float64))


def test_the_irony_threshold_is_the_smallest_that_is_right_often_enough() -> None:
    told = irony([0.1, 0.3, 0.5, 0.7, 0.9], [False, False, True, True, True])
    assert irony_rule(told, precision=0.7) == IronyRule(0.3, IRONIC_LITERAL)  # 3 of 4
    assert irony_rule(told, precision=0.8) == IronyRule(0.5, IRONIC_LITERAL)


def test_the_irony_threshold_spares_right_literal_answers() -> None:
    told = irony([0.2, 0.6, 0.8], [True, True, True], plain=[0.1] * 97 + [0.5, 0.7, 0.9])
    assert irony_rule(told) == IronyRule(0.6, IRONIC_LITERAL)  # doubts 2 of 100
    assert irony_rule(told, harmed=0.01) == IronyRule(0.8, IRONIC_LITERAL)
    assert irony_rule(told, harmed=0.0) is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30),
    st.lists(st.floats(0, 1), max_size=30),
)
def test_an_irony_rule_keeps_both_promises(rows: list[tuple[float, bool]], plain: list[float]) -> None:
    told = irony([p for p, _ in rows], [t for _, t in rows], plain)

    def kept(threshold: float) -> bool:
        doubted = [ironic for p, ironic in rows if p >= threshold]
        harmed = sum(p >= threshold for p in plain)
        return sum(doubted) >= 0.7 * len(doubted) - 1e-9 and harmed <= 0.02 * len(plain)

    rule = irony_rule(told, precision=0.7)
    smaller = [p for p, _ in rows if rule is None or p < rule.threshold]
    assert not any(kept(p) for p in smaller)
    assert rule is None or kept(rule.threshold)


def test_the_rule_is_part_of_the_policy() -> None:
    told = irony([0.2, 0.3, 0.8, 0.8], [False, False, True, True])
    policy = fit_policy(hear(100), NAMES, irony=told)
    assert policy.irony == irony_rule(told)
    assert set(IRONIC_LITERAL) == {"joy", "love"}
