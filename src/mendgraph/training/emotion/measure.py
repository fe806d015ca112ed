"""What is reported of a trained model, and the calibrator that is fitted for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.calibration import CALIBRATORS, Calibrator
from mendgraph.core.metrics import (
    accuracy,
    auroc,
    balanced_accuracy,
    confusion_matrix,
    ece,
    macro_f1,
    nll,
    weighted_averages,
)
from mendgraph.training.emotion.labels import LABELS

FOLDS = 5
ENOUGH_ROWS = 200
"""With fewer held-out rows only temperature scaling, with its one parameter, is tried."""


def emotion_metrics(probabilities: FloatArray, labels: IntArray) -> dict[str, float]:
    """Scores of the arg-max answers and of the uncalibrated confidence; `probabilities` (N, 8)."""
    answers = probabilities.argmax(axis=1)
    averages = weighted_averages(labels, answers)
    return {
        "accuracy": accuracy(labels, answers),
        "balanced_accuracy": balanced_accuracy(labels, answers),
        "weighted_precision": averages.precision,
        "weighted_recall": averages.recall,
        "weighted_f1": averages.f1,
        "macro_f1": macro_f1(labels, answers),
        "ece": ece(probabilities.max(axis=1), answers == labels),
        "nll": nll(probabilities, labels),
    }


def irony_metrics(probabilities: FloatArray, labels: IntArray) -> dict[str, float]:
    """Area under the ROC curve, and F1 of the ironic class at 0.5; empty where one class is missing."""
    if len(set(labels.tolist())) < 2:
        return {}
    said = probabilities >= 0.5
    hits = int((said & (labels == 1)).sum())
    return {
        "irony_auroc": auroc(probabilities, labels),
        "irony_f1": 2 * hits / max(int(said.sum()) + int((labels == 1).sum()), 1),
    }


def per_class(probabilities: FloatArray, labels: IntArray) -> dict[str, dict[str, float]]:
    """Label -> precision, recall, F1, and the number of its rows."""
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), len(LABELS))
    hits, said, true = matrix.diagonal(), matrix.sum(axis=0), matrix.sum(axis=1)
    return {
        label: {
            "precision": float(hits[c] / max(said[c], 1)),
            "recall": float(hits[c] / max(true[c], 1)),
            "f1": float(2 * hits[c] / max(said[c] + true[c], 1)),
            "rows": int(true[c]),
        }
        for c, label in enumerate(LABELS)
    }


def fit_calibrator(
    probabilities: FloatArray, labels: IntArray, fingerprint: str
) -> tuple[Calibrator, dict[str, Any]]:
    """The kind with the lowest cross-fitted NLL, fitted on all rows; and the figures of its choice.

    The reported ECE is cross-fitted too: each row is judged by a calibrator that has not seen it.
    """
    kinds = CALIBRATORS.names() if len(labels) >= ENOUGH_ROWS else ("temperature",)
    folds = np.random.default_rng(0).permutation(len(labels)) % FOLDS
    held_out = {kind: _cross_fitted(kind, probabilities, labels, folds) for kind in kinds}
    losses = {kind: nll(transformed, labels) for kind, (transformed, _, _) in held_out.items()}
    best = min(losses, key=lambda kind: losses[kind])
    _, confidence, right = held_out[best]
    figures = {"kind": best, "ece": ece(confidence, right), "nll": losses[best], "nll_by_kind": losses}
    return CALIBRATORS[best].fit(probabilities, labels, fingerprint=fingerprint), figures


def _cross_fitted(
    kind: str, probabilities: FloatArray, labels: IntArray, folds: IntArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Out-of-fold probabilities (N, C), confidence (N,), and whether the answer it is about is right (N,)."""
    transformed, confidence = np.empty_like(probabilities), np.empty(len(labels))
    right = np.zeros(len(labels), dtype=np.int64)
    for fold in range(FOLDS):
        inside, outside = folds == fold, folds != fold
        if not inside.any():
            continue
        calibrator = CALIBRATORS[kind].fit(probabilities[outside], labels[outside])
        transformed[inside] = calibrator.transform(probabilities[inside])
        confidence[inside] = calibrator.confidence(probabilities[inside])
        right[inside] = calibrator.classes(probabilities[inside]) == labels[inside]
    return transformed, confidence, right
