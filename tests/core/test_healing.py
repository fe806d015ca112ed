"""The fitted policy: what irony does to scores, what calibration and combination may and may not change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mendgraph.core.calibration import Calibrator, Platt, Temperature, Vector
from mendgraph.core.combine import CombinerSet
from mendgraph.core.healing import HealingPolicy, IronyRule
from mendgraph.core.values import Prediction

LABELS = ("joy", "sadness", "anger", "fear")
TIERS = ("primary", "lexical", "neighbours")
MARKS = {tier: f"weights of {tier}" for tier in TIERS}

unit = st.floats(0.0, 1.0)
masses = st.lists(unit, min_size=len(LABELS), max_size=len(LABELS)).filter(lambda row: sum(row) > 1e-3)
scores = masses.map(lambda row: {label: p / sum(row) for label, p in zip(LABELS, row, strict=True)})
literal = st.sets(st.sampled_from(LABELS)).map(lambda chosen: tuple(sorted(chosen)))


def prediction(given: Mapping[str, float]) -> Prediction:
    label = max(given, key=given.__getitem__)
    return Prediction(label, given, given[label], signals={"irony": 0.25}, value={"kept": True})


predictions = scores.map(prediction)
heard = st.dictionaries(st.sampled_from(TIERS), predictions)


def fitted(seed: int = 0) -> HealingPolicy:
    """A policy over three tiers that are right in different measure."""
    noise = np.random.default_rng(seed)
    labels = noise.integers(0, len(LABELS), 120)
    said = {}
    for tier, strength in zip(TIERS, (3.0, 1.5, 0.5), strict=True):
        logits = noise.normal(size=(120, len(LABELS))) + strength * np.eye(len(LABELS))[labels]
        weights = np.exp(logits)
        said[tier] = weights / weights.sum(axis=1, keepdims=True)
    calibrators: dict[str, Calibrator] = {
        "primary": Vector.fit(said["primary"], labels, fingerprint=MARKS["primary"]),
        "lexical": Platt.fit(said["lexical"], labels, fingerprint=MARKS["lexical"]),
        "neighbours": Temperature.fit(said["neighbours"], labels, fingerprint=MARKS["neighbours"]),
    }
    combiners = CombinerSet.fit(said, labels, LABELS)
    pools = {
        "+".join(sorted(c.tiers)): Platt.fit(c.combine({t: said[t] for t in c.tiers}), labels)
        for c in combiners.combiners
    }
    return HealingPolicy(
        LABELS,
        calibrators=calibrators,
        combiners=combiners,
        combined=pools,
        fingerprints=MARKS,
        thresholds={"primary": 0.8, "default": 0.6, "irony": 0.9},
        irony=IronyRule(0.4, ("joy",)),
        mass=0.8,
        target={"risk": 0.1},
    )


POLICY = fitted()
sparse = HealingPolicy(LABELS)


@given(scores, literal, unit)
@example({"joy": 1.0, "sadness": 5e-324, "anger": 0.0, "fear": 0.0}, ("joy",), 0.5)
def test_irony_moves_mass_away_from_the_literal_labels(
    given_scores: dict[str, float], literal: tuple[str, ...], irony: float
) -> None:
    after = IronyRule(0.5, literal).discounted(given_scores, irony)
    assert list(after) == list(given_scores)
    assert sum(after.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(0.0 <= p <= 1.0 + 1e-12 for p in after.values())
    assert all(after[label] <= given_scores[label] for label in literal)


@given(scores, literal)
def test_without_irony_nothing_changes(given_scores: dict[str, float], literal: tuple[str, ...]) -> None:
    assert IronyRule(0.5, literal).discounted(given_scores, 0.0) == given_scores


@given(scores, unit, unit)
def test_more_irony_never_helps_a_literal_label(given_scores: dict[str, float], a: float, b: float) -> None:
    rule = IronyRule(0.5, ("joy",))
    less, more = (rule.discounted(given_scores, irony)["joy"] for irony in sorted((a, b)))
    assert more <= less


def test_sure_irony_shares_out_what_the_literal_labels_had() -> None:
    rule = IronyRule(0.5, ("joy",))
    given_scores = {"joy": 0.8, "sadness": 0.15, "anger": 0.05}
    assert rule.discounted(given_scores, 1.0) == pytest.approx({"joy": 0.0, "sadness": 0.75, "anger": 0.25})
    assert rule.discounted({"joy": 1.0, "sadness": 0.0}, 0.9) == {"joy": 1.0, "sadness": 0.0}


@pytest.mark.parametrize(
    ("irony", "label", "applies"),
    [(0.5, "joy", True), (0.49, "joy", False), (0.9, "anger", False), (float("nan"), "joy", False)],
)
def test_the_rule_applies_from_its_threshold_to_literal_labels_only(
    irony: float, label: str, applies: bool
) -> None:
    assert IronyRule(0.5, ("joy", "love")).applies(irony, label) is applies


@pytest.mark.parametrize("policy", [POLICY, sparse])
def test_json_keeps_everything(policy: HealingPolicy) -> None:
    text = json.dumps(policy.to_dict(), allow_nan=False)
    back = HealingPolicy.from_dict(json.loads(text))
    assert back == policy
    assert json.dumps(back.to_dict()) == text


@given(st.lists(predictions, max_size=6), st.sampled_from(["neighbours", "lexical", "primary", "unknown"]))
def test_calibration_for_other_weights_leaves_predictions_alone(said: list[Prediction], tier: str) -> None:
    assert POLICY.calibrate(tier, "other weights", said) == said
    assert POLICY.calibrate(tier, "", said) == said


@given(st.lists(predictions, min_size=1, max_size=6), st.sampled_from(TIERS))
def test_a_calibrated_prediction_is_a_distribution_and_keeps_what_the_tier_found(
    said: list[Prediction], tier: str
) -> None:
    after = POLICY.calibrate(tier, MARKS[tier], said)
    for before, now in zip(said, after, strict=True):
        assert tuple(now.scores) == LABELS
        assert sum(now.scores.values()) == pytest.approx(1.0)
        assert now.confidence == now.scores[now.label]
        assert (now.raw, now.signals, now.value) == (before.raw, before.signals, before.value)


@given(st.lists(predictions, max_size=6), st.sampled_from(TIERS))
def test_calibrating_a_batch_equals_one_by_one(said: list[Prediction], tier: str) -> None:
    together = POLICY.calibrate(tier, MARKS[tier], said)
    alone = [POLICY.calibrate(tier, MARKS[tier], [one])[0] for one in said]
    assert_close(together, alone)


@given(st.lists(heard, max_size=8), st.randoms(use_true_random=False))
def test_combining_depends_on_no_other_row(rows: list[dict[str, Prediction]], shuffler: Random) -> None:
    together = POLICY.combine(rows)
    assert_close(together, [POLICY.combine([row])[0] for row in rows])
    order = list(range(len(rows)))
    shuffler.shuffle(order)
    assert_close([together[i] for i in order], POLICY.combine([rows[i] for i in order]))


@given(heard)
def test_neither_the_order_of_tiers_nor_strangers_change_a_combination(row: dict[str, Prediction]) -> None:
    backwards = dict(reversed(row.items()))
    with_stranger = {"hub": prediction(dict.fromkeys(LABELS, 0.25)), **row}
    assert_close(POLICY.combine([row]), POLICY.combine([backwards]))
    assert_close(POLICY.combine([row]), POLICY.combine([with_stranger]))


@given(heard)
def test_a_combination_needs_two_known_tiers_and_speaks_of_its_likeliest_label(
    row: dict[str, Prediction],
) -> None:
    [pooled] = POLICY.combine([row])
    assert (pooled is None) == (len(row) < 2)
    if pooled is not None:
        assert tuple(pooled.scores) == LABELS
        assert sum(pooled.scores.values()) == pytest.approx(1.0)
        assert pooled.raw == pooled.scores[pooled.label] == max(pooled.scores.values())
        assert pooled.confidence is not None
        assert 0.0 <= pooled.confidence <= 1.0
    assert sparse.combine([row]) == [None]


def test_a_combination_without_calibration_has_no_confidence() -> None:
    policy = HealingPolicy(LABELS, combiners=POLICY.combiners)
    said = prediction({"joy": 0.7, "sadness": 0.1, "anger": 0.1, "fear": 0.1})
    [pooled] = policy.combine([{"primary": said, "lexical": said}])
    assert pooled is not None
    assert pooled.confidence is None


def test_thresholds_fall_back_to_the_default_and_then_to_one_half() -> None:
    assert [POLICY.threshold(stage) for stage in ("primary", "unheard of")] == [0.8, 0.6]
    assert sparse.threshold("primary") == 0.5


def assert_close(found: Sequence[Prediction | None], wanted: Sequence[Prediction | None]) -> None:
    """Equal up to the rounding of sums of another batch size."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if one is None or other is None:
            assert one is other
            continue
        assert dict(one.scores) == pytest.approx(dict(other.scores), abs=1e-9)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-9)
        # Ties may fall either way in the last bit.
        assert one.scores[one.label] == pytest.approx(one.scores[other.label], abs=1e-9)
