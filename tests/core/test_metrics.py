from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mendgraph.core import metrics
from mendgraph.core.arrays import BoolArray, FloatArray, IntArray, softmax
from mendgraph.errors import DataError


@st.composite
def answers(draw: st.DrawFn) -> tuple[IntArray, IntArray]:
    classes = draw(st.integers(1, 5))
    pairs = draw(st.lists(st.tuples(*[st.integers(0, classes - 1)] * 2), min_size=1, max_size=40))
    labels, predictions = np.array(pairs).T
    return labels, predictions


@st.composite
def scored(draw: st.DrawFn) -> tuple[FloatArray, BoolArray]:
    """Confidences on a coarse grid, so that ties are common."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40))
    confidence, correct = zip(*pairs, strict=True)
    return np.array(confidence) / 10, np.array(correct)


@given(answers())
@pytest.mark.filterwarnings("ignore")  # the reference warns about single classes
def test_classification_equals_the_reference(pair: tuple[IntArray, IntArray]) -> None:
    labels, predictions = pair
    assert metrics.accuracy(labels, predictions) == pytest.approx(
        reference.accuracy_score(labels, predictions)
    )
    macro = reference.f1_score(labels, predictions, average="macro", zero_division=0)
    assert metrics.macro_f1(labels, predictions) == pytest.approx(macro)
    every = reference.f1_score(labels, predictions, average="macro", zero_division=0, labels=range(5))
    assert metrics.macro_f1(labels, predictions, classes=5) == pytest.approx(every)
    balanced = reference.balanced_accuracy_score(labels, predictions)
    assert metrics.balanced_accuracy(labels, predictions) == pytest.approx(balanced)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        labels, predictions, average="weighted", zero_division=0
    )
    averages = metrics.weighted_averages(labels, predictions)
    assert (averages.precision, averages.recall, averages.f1) == pytest.approx((precision, recall, f1))
    matrix = reference.confusion_matrix(labels, predictions, labels=range(5))
    np.testing.assert_array_equal(metrics.confusion_matrix(labels, predictions, classes=5), matrix)


@settings(deadline=None)
@given(scored())
def test_auroc_equals_the_reference(pair: tuple[FloatArray, BoolArray]) -> None:
    confidence, correct = pair
    if correct.all() or not correct.any():
        assert np.isnan(metrics.auroc(confidence, correct))
    else:
        expected = reference.roc_auc_score(correct, confidence)
        assert metrics.auroc(confidence, correct) == pytest.approx(expected)


def test_nll_and_brier_equal_the_reference() -> None:
    generator = np.random.default_rng(0)
    probabilities, labels = softmax(generator.normal(size=(60, 3))), generator.integers(0, 3, 60)
    assert metrics.nll(probabilities, labels) == pytest.approx(reference.log_loss(labels, probabilities))
    expected = reference.brier_score_loss(labels, probabilities, labels=[0, 1, 2], scale_by_half=False)
    assert metrics.brier(probabilities, labels) == pytest.approx(expected)
    assert metrics.nll([[1.0, 0.0]], [1]) == pytest.approx(-np.log(1e-12))
    assert metrics.brier([[1.0, 0.0]], [1]) == 2


def test_ece_by_hand() -> None:
    confidence, correct = [0.95, 0.85, 0.15, 0.05, 0.0], [True, False, False, True, False]
    # Ten bins: .05 off, .85 off, .15 off, and the lowest with mean confidence .025 and accuracy .5.
    assert metrics.ece(confidence, correct, bins=10) == pytest.approx((0.05 + 0.85 + 0.15 + 2 * 0.475) / 5)
    assert metrics.ece([0.5, 0.5], [True, False]) == 0
    # Two bins of equal mass: {.05, 0} and, in the upper half, {.95, .85, .15}.
    assert metrics.adaptive_ece(confidence, correct, bins=2) == pytest.approx((0.95 + 0.95) / 5)
    assert metrics.adaptive_ece(confidence, correct, bins=5) == pytest.approx(
        (0.05 + 0.85 + 0.15 + 0.95 + 0.0) / 5
    )
    with pytest.raises(DataError, match=r"must lie in \[0, 1\], got 0.5 to 1.5"):
        metrics.ece([0.5, 1.5], [True, False])


@pytest.mark.parametrize(
    "measure",
    [metrics.ece, metrics.adaptive_ece, metrics.auroc, metrics.aurc, metrics.e_aurc],
    ids=lambda measure: measure.__name__,
)
@given(pair=scored(), seed=st.integers(0, 99))
def test_row_order_does_not_matter(measure, pair: tuple[FloatArray, BoolArray], seed: int) -> None:  # type: ignore[no-untyped-def]
    confidence, correct = pair
    order = np.random.default_rng(seed).permutation(len(confidence))
    value = measure(confidence, correct)
    assert measure(confidence[order], correct[order]) == pytest.approx(value, nan_ok=True, abs=1e-12)
    assert np.isnan(value) or 0 <= value <= 1


@given(scored())
def test_selective_laws(pair: tuple[FloatArray, BoolArray]) -> None:
    confidence, correct = pair
    coverage, risk = metrics.risk_coverage_curve(confidence, correct)
    error = 1 - correct.mean()
    assert len(coverage) == len(set(confidence))
    assert (np.diff(coverage) > 0).all()
    assert coverage[-1] == 1
    assert risk[-1] == pytest.approx(error)
    for share, wrong in zip(coverage, risk, strict=True):
        assert metrics.accuracy_at_coverage(confidence, correct, share) == pytest.approx(1 - wrong)
    assert metrics.e_aurc(correct.astype(float), correct) == 0
    assert metrics.aurc(np.zeros(len(correct)), correct) == pytest.approx(error)
    assert metrics.e_aurc(confidence, correct) <= metrics.e_aurc(-correct.astype(float), correct) + 1e-12
    allowed = [metrics.coverage_at_risk(confidence, correct, limit) for limit in (0.0, 0.1, 0.5, 1.0)]
    assert allowed == sorted(allowed)
    assert allowed[-1] == 1


def test_selective_values_by_hand() -> None:
    confidence, correct = [0.9, 0.8, 0.8, 0.1], [True, False, True, False]
    coverage, risk = metrics.risk_coverage_curve(confidence, correct)
    np.testing.assert_allclose(coverage, [0.25, 0.75, 1.0])
    np.testing.assert_allclose(risk, [0, 1 / 3, 0.5])
    # Inside the block of two the expected errors are 0.5 and 1.
    assert metrics.aurc(confidence, correct) == pytest.approx((0 + 0.5 / 2 + 1 / 3 + 2 / 4) / 4)
    assert metrics.e_aurc(confidence, correct) == pytest.approx((0.25 + 1 / 3 + 0.5 - 1 / 3 - 0.5) / 4)
    assert metrics.accuracy_at_coverage(confidence, correct, 0.5) == 0.75
    assert metrics.coverage_at_risk(confidence, correct, 0.34) == 0.75
    assert metrics.coverage_at_risk([0.9, 0.1], [False, True], 0.1) == 0


def test_best_aurc_nears_the_formula_of_the_paper() -> None:
    correct = np.arange(20000) >= 6000
    assert metrics.aurc(correct.astype(float), correct) == pytest.approx(0.3 + 0.7 * np.log(0.7), abs=1e-4)


def test_accuracy_at_coverage_is_not_fooled_by_rounding() -> None:
    confidence = np.linspace(1, 0, 100)
    correct = np.arange(100) < 7
    assert metrics.accuracy_at_coverage(confidence, correct, 0.07) == 1
    with pytest.raises(DataError, match=r"coverage must lie in \(0, 1\], got 0"):
        metrics.accuracy_at_coverage(confidence, correct, 0)


def test_changes_count_every_row_once() -> None:
    counted = metrics.changes([0, 0, 0, 0, 0], [1, 0, 0, 1, 1], [0, 1, 0, 1, 2])
    assert counted == metrics.Changes(rescued=1, harmed=1, kept_right=1, kept_wrong=2)


def test_bootstrap_is_repeatable_and_covers_the_mean() -> None:
    values = np.random.default_rng(0).normal(5, 1, 400)
    low, high = metrics.bootstrap_interval(np.mean, values, seed=1)
    assert (low, high) == metrics.bootstrap_interval(np.mean, values, seed=1)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 20, rel=0.15)
    narrow = metrics.bootstrap_interval(np.mean, values, seed=1, level=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_bootstrap_resamples_pairs_and_whole_groups() -> None:
    values = np.random.default_rng(0).normal(size=50)
    paired = metrics.bootstrap_interval(lambda a, b: float((a - b).mean()), values + 1, values, seed=0)
    assert paired == pytest.approx((1, 1))
    copies = np.repeat(values, 9)
    rows = metrics.bootstrap_interval(np.mean, copies, seed=0)
    groups = metrics.bootstrap_interval(np.mean, copies, seed=0, groups=np.repeat(np.arange(50), 9))
    assert groups[1] - groups[0] > 2 * (rows[1] - rows[0])


def test_bootstrap_leaves_undefined_resamples_out() -> None:
    low, high = metrics.bootstrap_interval(metrics.auroc, [0.9, 0.1], [True, False], seed=0)
    assert (low, high) == (1, 1)
    assert np.isnan(metrics.bootstrap_interval(metrics.auroc, [0.9, 0.1], [True, True], seed=0)).all()


@pytest.mark.parametrize("call", [metrics.ece, metrics.auroc, metrics.aurc, metrics.risk_coverage_curve])
def test_malformed_input_says_why(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match="at least one row"):
        call([], [])
    with pytest.raises(DataError, match="must be finite"):
        call([0.5, float("nan")], [True, False])
    with pytest.raises(DataError, match=r"correct must have shape \(2,\)"):
        call([0.5, 0.6], [True])
