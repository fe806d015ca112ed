from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from mendgraph.core.arrays import softmax
from mendgraph.core.metrics import ece
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.measure import (
    ENOUGH_ROWS,
    KINDS,
    emotion_metrics,
    fit_calibrator,
    irony_metrics,
    per_class,
)


def overconfident(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Answers that are right as often as their true distribution says, told four times as surely."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, len(LABELS)))
    truth = np.array([rng.choice(len(LABELS), p=p) for p in softmax(logits)])
    return softmax(4 * logits), truth


@given(st.integers(0, 50), st.integers(20, 200))
def test_figures_agree_with_scikit_learn(seed: int, rows: int) -> None:
    probabilities, truth = overconfident(rows, seed)
    answers = probabilities.argmax(axis=1)
    found = emotion_metrics(probabilities, truth)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(
        truth, answers, average="weighted", zero_division=0
    )
    assert found["weighted_precision"] == pytest.approx(precision)
    assert found["weighted_recall"] == pytest.approx(recall)
    assert found["weighted_f1"] == pytest.approx(f1)
    assert found["macro_f1"] == pytest.approx(reference.f1_score(truth, answers, average="macro"))
    table = per_class(probabilities, truth)
    assert sum(row["rows"] for row in table.values()) == rows
    each = reference.f1_score(truth, answers, labels=range(len(LABELS)), average=None, zero_division=0)
    assert [row["f1"] for row in table.values()] == pytest.approx(each.tolist())


def test_irony_needs_both_classes() -> None:
    assert irony_metrics(np.array([0.9, 0.1]), np.array([1, 1])) == {}
    found = irony_metrics(np.array([0.9, 0.4, 0.6, 0.1]), np.array([1, 1, 0, 0]))
    assert found == {"irony_auroc": 0.75, "irony_f1": 0.5}


@pytest.mark.parametrize("rows", [40, 1000])
def test_calibration_helps_and_never_changes_the_answer(rows: int) -> None:
    probabilities, truth = overconfident(rows)
    calibrator, figures = fit_calibrator(probabilities, truth, "abc")
    assert calibrator.fingerprint == "abc"
    assert calibrator.kind == figures["kind"]
    assert set(figures["by_kind"]) == set(KINDS if rows >= ENOUGH_ROWS else KINDS[:1])
    answers = probabilities.argmax(axis=1)
    assert (calibrator.classes(probabilities) == answers).all()
    fresh, labels = overconfident(2000, seed=1)
    right = fresh.argmax(axis=1) == labels
    assert ece(calibrator.confidence(fresh), right) < ece(fresh.max(axis=1), right) / 2
