"""The measures: scores, reliability, healing, irony, contrast, targets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from mendgraph.core.values import Answer, Attempt, Prediction
from mendgraph.evaluation.contrast import ContrastCase
from mendgraph.evaluation.emotion import targets
from mendgraph.evaluation.emotion.answers import System, collect
from mendgraph.evaluation.emotion.baselines import majority
from mendgraph.evaluation.emotion.contrast import contrast_section, contrast_set
from mendgraph.evaluation.emotion.healing import Gain, gain, outcomes
from mendgraph.evaluation.emotion.irony import irony_section
from mendgraph.evaluation.emotion.scores import macro_f1_present, score, score_draws
from mendgraph.evaluation.emotion.selection import RESPLITS, reliability
from mendgraph.testing import Scripted, scores_for
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.sources import Irony
from tests.cascades import cascade
from tests.evaluation.corpora import scripted_graph

ROWS = st.integers(1, 40)


@st.composite
def answered(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    rows = draw(ROWS)
    labels = draw(st.lists(st.integers(0, 7), min_size=rows, max_size=rows))
    said = draw(st.lists(st.integers(0, 8), min_size=rows, max_size=rows))
    return np.array(labels), np.array(said)


def system(said: np.ndarray, confidence: np.ndarray | None = None, name: str = "s") -> System:
    sure = np.full(len(said), 0.5) if confidence is None else confidence
    return System(name, said, sure, np.full((len(said), 8), 1 / 8))


@given(answered())
def test_macro_f1_is_that_of_scikit_learn_over_the_classes_present(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, said = pair
    expected = f1_score(labels, said, labels=np.unique(labels), average="macro", zero_division=0)
    assert macro_f1_present(labels, said) == pytest.approx(expected)


@given(answered())
def test_intervals_hold_the_value_of_a_constant_and_draws_of_all_rows_change_nothing(
    pair: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, said = pair
    plain = score(system(said), labels)
    assert plain.accuracy_interval is None
    drawn = score_draws(system(said), labels, [np.arange(len(labels))] * 2)
    assert (drawn.accuracy, drawn.macro_f1) == pytest.approx((plain.accuracy, plain.macro_f1))
    always = score(system(labels), labels, seed=0, resamples=20)
    assert always.accuracy_interval == (1.0, 1.0)
    assert always.macro_f1_interval == (1.0, 1.0)


@given(st.lists(st.integers(0, 7), min_size=1, max_size=40), st.integers(0, 7))
def test_no_constant_answer_beats_the_majority(classes: list[int], other: int) -> None:
    labels = np.array(classes)
    assert majority(labels).right(labels).mean() >= (labels == other).mean()


def test_reliability_of_the_raw_system_is_its_own_yardstick() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 8, 400)
    confidence = rng.uniform(0.2, 1.0, 400)
    said = np.where(rng.uniform(size=400) < confidence, labels, (labels + 1) % 8)
    raw = system(said, confidence)
    own = reliability(raw, raw, labels, seed=0)
    assert own.e_aurc_ratio == 1.0
    assert own.auroc_gain == 0.0
    assert own.ece < 0.1
    assert own.ece_resplits.low <= own.ece_resplits.mean <= own.ece_resplits.high
    perfect = reliability(system(said, (said == labels).astype(float), "oracle"), raw, labels, seed=0)
    assert perfect.e_aurc == pytest.approx(0.0, abs=1e-12)
    assert perfect.auroc == 1.0
    assert perfect.auroc_gain > 0
    assert perfect.coverage_at_risk >= own.coverage_at_risk
    assert RESPLITS == 5


@given(answered(), st.integers(0, 7))
def test_gain_is_rescued_minus_harmed(pair: tuple[np.ndarray, np.ndarray], shift: int) -> None:
    labels, said = pair
    after = np.where(said == 8, 0, (said + shift) % 8)
    found = gain(system(said), system(after), labels, seed=0, resamples=20)
    assert found.gain == pytest.approx((found.rescued - found.harmed) / len(labels))
    assert found.interval[0] - 1e-9 <= found.interval[1]
    assert math.isnan(found.ratio) == (found.harmed == 0)


def answer(best: str, status: str, options: tuple[str, ...] = (), source: str = "") -> Answer:
    prediction = Prediction(best, scores_for(best, 0.5), 0.5, 0.5)
    trail = (Attempt("primary", prediction),)
    label = best if status == "accepted" else None
    return Answer("text", status, label, best, options=options, source=source, trail=trail)  # type: ignore[arg-type]


def test_what_asking_is_worth() -> None:
    truth = ["joy", "anger", "fear", "love", "neutral"]
    answers = [
        answer("joy", "accepted", source="primary"),  # right
        answer("joy", "accepted", source="combined"),  # wrong
        answer("joy", "needs_clarification", ("joy", "fear")),  # wrong, offered
        answer("joy", "needs_clarification", ("joy", "anger")),  # wrong, not offered
        answer("neutral", "needs_clarification", ("neutral", "joy")),  # right, offered
    ]
    found = outcomes(answers, np.array([LABELS.index(label) for label in truth]), LABELS)
    assert found.status == {"needs_clarification": 0.6, "accepted": 0.4}
    assert found.accepted_accuracy == 0.5
    assert found.accuracy == pytest.approx(0.4)
    assert found.oracle_offered == pytest.approx(0.6)
    assert found.oracle_any == pytest.approx(0.8)
    assert found.per_question_offered == pytest.approx(1 / 3)
    assert found.per_question_any == pytest.approx(2 / 3)
    assert found.offered == pytest.approx(2 / 3)
    assert [(s.by, s.rows, s.right) for s in found.settled] == [
        ("primary", 1, 1.0),
        ("combined", 1, 0.0),
        ("(needs clarification)", 3, pytest.approx(1 / 3)),
    ]


def test_nobody_asked_is_worth_nothing() -> None:
    found = outcomes([answer("joy", "accepted", source="primary")], np.array([0]), LABELS)
    assert math.isnan(found.per_question_any)
    assert found.oracle_any == found.accuracy == 1.0


def test_irony_is_measured_on_its_signal() -> None:
    rows = [Irony(text, flag) for text, flag in (("yeah no", 1), ("plain", 0), ("dull", 0), ("wry", 1))]
    section = irony_section(scripted_graph(), rows)
    assert section is not None
    assert section.figures["auroc"] == 0.75
    systems = section.figures["systems"]
    assert systems["irony head at 0.5"]["precision"] == 1.0
    assert systems["irony head at 0.5"]["recall"] == 0.5
    assert systems["always ironic"]["recall"] == 1.0
    assert systems["majority class"]["f1"] == 0.0
    assert irony_section(cascade({"primary": Scripted({})}), rows) is None


def test_contrast_counts_hits_violations_and_lists_failures() -> None:
    cases = [
        ContrastCase("yeah so much joy", ("anger",), ("joy",), "sarcasm"),
        ContrastCase("so much fear", ("fear",), ("joy",), "plain"),
        ContrastCase("my cat and love", ("love", "joy"), ("fear",), "plain"),
    ]
    collected = collect(scripted_graph(), contrast_set(cases).texts, lambda line: None, title="t")
    section = contrast_section(cases, collected)
    families = {family.family: family for family in section.figures["families"]}
    assert set(families) == {"sarcasm", "plain", "all"}
    assert families["sarcasm"].first_violations == 1.0
    assert families["sarcasm"].cascade_violations == 0.0
    assert families["plain"].first_hits == 0.5
    assert families["plain"].cascade_hits == 1.0
    (failure,) = section.figures["failures"]
    assert failure["text"] == "yeah so much joy"
    assert failure["first_tier"] == "joy"
    assert failure["irony"] == 0.95


@pytest.mark.parametrize(
    ("points", "rescued", "harmed", "verdict"),
    [
        (0.031, 40, 10, "aim met"),
        (0.016, 20, 10, "must met"),
        (0.016, 19, 10, "not met"),
        (0.04, 4, 0, "aim met"),
    ],
)
def test_healing_targets(points: float, rescued: int, harmed: int, verdict: str) -> None:
    ratio = rescued / harmed if harmed else math.nan
    found = Gain("best", 0.7, 0.7 + points, points, (0.0, 0.1), rescued, harmed, ratio)
    assert targets.healing(found).verdict == verdict


def test_other_targets_are_judged_by_both_their_bounds() -> None:
    assert targets.shipped(0.6899).verdict == "not met"
    assert targets.shipped(0.7).verdict == "must met"
    assert targets.shipped(0.74).verdict == "aim met"
    assert targets.research(0.9, ["goemotions"]).verdict == "not these weights"
    assert targets.research(0.9, ["goemotions", "carer"]).verdict == "aim met"
