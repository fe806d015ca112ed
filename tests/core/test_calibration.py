from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression

from mendgraph.core.arrays import FloatArray, IntArray, softmax
from mendgraph.core.calibration import (
    CALIBRATORS,
    Isotonic,
    Platt,
    Temperature,
    Vector,
    calibrator_from_dict,
    pava,
)
from mendgraph.core.metrics import ece, nll
from mendgraph.errors import ArtifactError, BadOutput, DataError, ShapeMismatch, UnknownNameError

every_calibrator = pytest.mark.parametrize("kind", CALIBRATORS)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[FloatArray, IntArray]:
    """Probabilities of every temper, with exact zeros and ties, and labels of any skill."""
    rows, classes = draw(st.integers(2, 40)), draw(st.integers(1, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probabilities = softmax(
        generator.normal(size=(rows, classes)) * draw(st.sampled_from([0.0, 0.5, 5, 2000]))
    )
    skill = draw(st.sampled_from([0.0, 0.5, 1.0]))
    guesses = generator.integers(0, classes, rows)
    return probabilities, np.where(generator.random(rows) < skill, probabilities.argmax(axis=1), guesses)


def overconfident(rows: int, seed: int = 0) -> tuple[FloatArray, IntArray]:
    """Logits three times too large: the true temperature is 3."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(rows, 4)) * 1.5
    labels = (softmax(logits).cumsum(axis=1) < generator.random((rows, 1))).sum(axis=1)
    return softmax(logits * 3), labels


@every_calibrator
@settings(max_examples=40, deadline=None)
@given(data=labelled())
def test_any_set_gives_probabilities_and_survives_json(kind: str, data: tuple[FloatArray, IntArray]) -> None:
    probabilities, labels = data
    fitted = CALIBRATORS[kind].fit(probabilities, labels, fingerprint="abc")
    calibrated, confidence = fitted.transform(probabilities), fitted.confidence(probabilities)
    assert calibrated.shape == probabilities.shape
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    if probabilities.shape[1] > 1:
        at_class = calibrated[np.arange(len(labels)), fitted.classes(probabilities)]
        np.testing.assert_allclose(at_class, confidence, atol=1e-12)
    again = calibrator_from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    assert again.kind == fitted.to_dict()["kind"] == kind
    assert again.fingerprint == "abc"


@every_calibrator
@settings(max_examples=25, deadline=None)
@given(data=labelled(), seed=st.integers(0, 99))
def test_neither_row_order_nor_label_order_matters(
    kind: str, data: tuple[FloatArray, IntArray], seed: int
) -> None:
    probabilities, labels = data
    generator = np.random.default_rng(seed)
    # A tie for the largest probability is broken by label order, which then does matter.
    probabilities = softmax(np.log(probabilities + 1e-3) + 1e-3 * generator.random(probabilities.shape))
    rows, order = generator.permutation(len(labels)), generator.permutation(probabilities.shape[1])
    fitted = CALIBRATORS[kind].fit(probabilities, labels)
    moved = CALIBRATORS[kind].fit(probabilities[rows][:, order], np.argsort(order)[labels[rows]])
    np.testing.assert_allclose(
        moved.transform(probabilities[:, order]), fitted.transform(probabilities)[:, order], atol=1e-6
    )


@pytest.mark.parametrize("kind", ["temperature", "vector"])
@settings(max_examples=40, deadline=None)
@given(data=labelled())
def test_cross_entropy_never_rises_on_the_fitting_set(kind: str, data: tuple[FloatArray, IntArray]) -> None:
    probabilities, labels = data
    fitted = CALIBRATORS[kind].fit(probabilities, labels)
    assert nll(fitted.transform(probabilities), labels) <= nll(probabilities, labels) + 1e-9


@settings(max_examples=40, deadline=None)
@given(data=labelled())
def test_temperature_keeps_the_order_of_the_classes(data: tuple[FloatArray, IntArray]) -> None:
    probabilities, labels = data
    calibrated = Temperature.fit(probabilities, labels).transform(probabilities)
    for before, after in zip(probabilities, calibrated, strict=True):
        assert (np.diff(after[np.argsort(before)]) >= 0).all()


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
@settings(max_examples=40, deadline=None)
@given(data=labelled())
def test_a_surer_row_stays_as_sure_or_surer(kind: str, data: tuple[FloatArray, IntArray]) -> None:
    probabilities, labels = data
    fitted = CALIBRATORS[kind].fit(probabilities, labels)
    order = np.argsort(probabilities.max(axis=1))
    assert (np.diff(fitted.confidence(probabilities)[order]) >= -1e-12).all()
    assert (fitted.classes(probabilities) == probabilities.argmax(axis=1)).all()


@every_calibrator
def test_overconfidence_is_mended_on_new_rows(kind: str) -> None:
    fitted = CALIBRATORS[kind].fit(*overconfident(4000))
    probabilities, labels = overconfident(4000, seed=1)
    raw = ece(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    mended = ece(fitted.confidence(probabilities), fitted.classes(probabilities) == labels)
    assert raw > 0.15
    assert mended < 0.04


def test_temperature_finds_the_true_one_and_stays_in_bounds() -> None:
    assert Temperature.fit(*overconfident(4000)).temperature == pytest.approx(3, rel=0.1)
    sure = np.tile([[0.98, 0.02]], (500, 1))
    assert Temperature.fit(sure, np.ones(500, dtype=int)).temperature == pytest.approx(20)
    assert 0.05 <= Temperature.fit(sure, np.zeros(500, dtype=int)).temperature < 1


def test_vector_mends_a_class_that_is_guessed_too_often() -> None:
    probabilities, labels = overconfident(2000)
    spoilt = probabilities * [20, 1, 1, 1]
    spoilt /= spoilt.sum(axis=1, keepdims=True)
    fitted = Vector.fit(spoilt, labels)
    before = (spoilt.argmax(axis=1) == labels).mean()
    assert (fitted.classes(spoilt) == labels).mean() > before + 0.03
    assert fitted.bias[0] < min(fitted.bias[1:])


@pytest.mark.parametrize("kind", ["platt", "isotonic"])
@pytest.mark.parametrize(("label", "low", "high"), [(0, 0.9, 0.999), (1, 0.001, 0.1)])
def test_all_right_or_all_wrong_is_never_certain(kind: str, label: int, low: float, high: float) -> None:
    top = np.linspace(0.6, 0.99, 20)
    probabilities = np.stack([top, 1 - top], axis=1)
    confidence = CALIBRATORS[kind].fit(probabilities, np.full(20, label)).confidence(probabilities)
    assert ((confidence > low) & (confidence < high)).all()


def test_isotonic_gives_an_all_right_set_laplaces_rule() -> None:
    top = np.linspace(0.6, 0.99, 20)
    probabilities = np.stack([top, 1 - top], axis=1)
    fitted = Isotonic.fit(probabilities, np.zeros(20, dtype=int))
    np.testing.assert_allclose(fitted.calibrated, 21 / 22)


def test_isotonic_is_constant_outside_its_knots() -> None:
    fitted = Isotonic(raw=(0.6, 0.8), calibrated=(0.2, 0.7))
    rows = [[0.55, 0.45], [0.6, 0.4], [0.7, 0.3], [0.8, 0.2], [1.0, 0.0]]
    np.testing.assert_allclose(fitted.confidence(rows), [0.2, 0.2, 0.45, 0.7, 0.7])


def test_platt_falls_back_to_the_base_rate_when_surer_is_worse() -> None:
    top = np.linspace(0.6, 0.99, 100)
    fitted = Platt.fit(np.stack([top, 1 - top], axis=1), (np.arange(100) >= 50).astype(int))
    assert fitted.slope == 0
    np.testing.assert_allclose(fitted.confidence([[0.6, 0.4], [0.99, 0.01]]), 0.5, atol=0.01)


def test_the_other_classes_share_the_rest_in_proportion() -> None:
    fitted = Isotonic(raw=(0.5,), calibrated=(0.4,))
    np.testing.assert_allclose(
        fitted.transform([[0.6, 0.3, 0.1], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
        [[0.4, 0.45, 0.15], [0.4, 0.3, 0.3], [0.3, 0.3, 0.4]],
    )
    assert (fitted.classes([[0.6, 0.3, 0.1]]) == [0]).all()


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 9)), min_size=1, max_size=30))
def test_pava_equals_the_reference(pairs: list[tuple[float, float]]) -> None:
    values, weights = np.array(pairs).T
    np.testing.assert_allclose(
        pava(values, weights), isotonic_regression(values, sample_weight=weights), atol=1e-9
    )
    assert all(low <= high for low, high in pairwise(pava(values, weights)))


@every_calibrator
def test_an_empty_batch_is_served(kind: str) -> None:
    fitted = CALIBRATORS[kind].fit(*overconfident(50))
    assert fitted.transform(np.zeros((0, 4))).shape == (0, 4)
    assert fitted.confidence(np.zeros((0, 4))).shape == (0,)


@every_calibrator
def test_bad_fitting_sets_say_why(kind: str) -> None:
    fit = CALIBRATORS[kind].fit
    with pytest.raises(DataError, match=r"at least 2 labelled rows, got 1 .*hold out more rows"):
        fit([[0.5, 0.5]], [0])
    with pytest.raises(DataError, match=r"labels must lie in \[0, 2\), got 0 to 2"):
        fit([[0.5, 0.5], [0.5, 0.5]], [0, 2])
    with pytest.raises(DataError, match=r"shape \(2,\), one per row, got \(3,\)"):
        fit([[0.5, 0.5], [0.5, 0.5]], [0, 1, 1])
    with pytest.raises(DataError, match="integer type, got float64"):
        fit([[0.5, 0.5], [0.5, 0.5]], [0.0, 1.0])


@every_calibrator
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[np.nan, 0.5, 0.2, 0.3]], "must be finite, row 0"),
        ([[4.0, -1.0, 2.0, 0.0]], "soft-max first if these are logits"),
        ([0.5, 0.5], r"shape \(rows, classes\)"),
    ],
)
def test_bad_output_of_a_tier_is_named(kind: str, rows: list[float], message: str) -> None:
    with pytest.raises(BadOutput, match=message):
        CALIBRATORS[kind].fit(*overconfident(50)).transform(rows)


def test_vector_refuses_another_label_set() -> None:
    with pytest.raises(ShapeMismatch, match="fitted on 4 classes, got 2"):
        Vector.fit(*overconfident(50)).transform([[0.5, 0.5]])


@pytest.mark.parametrize(
    "data",
    [
        {"temperature": 1.0},
        {"kind": "temperature", "temperature": 0.0, "fingerprint": ""},
        {"kind": "temperature", "temperature": float("nan"), "fingerprint": ""},
        {"kind": "temperature", "temperatur": 1.0, "fingerprint": ""},
        {"kind": "platt", "slope": -1.0, "intercept": 0.0, "fingerprint": ""},
        {"kind": "isotonic", "raw": [0.5, 0.6], "calibrated": [0.6, 0.5], "fingerprint": ""},
        {"kind": "isotonic", "raw": [], "calibrated": [], "fingerprint": ""},
        {"kind": "vector", "scale": [1.0], "bias": [0.0, 0.0], "fingerprint": ""},
    ],
)
def test_spoilt_artifacts_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(ArtifactError, match="calibrate the tier again"):
        calibrator_from_dict(data)


def test_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'isotonic'"):
        calibrator_from_dict({"kind": "isotonik"})
