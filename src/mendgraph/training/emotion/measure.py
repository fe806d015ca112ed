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

KINDS = ("temperature", "platt", "isotonic")
"""Those that never change the answer: a tier's label stays its arg-max, and the confidence must be about that."""

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
    """The kind with the lowest cross-fitted log loss of "the answer is right"; and the figures of its choice.

    The reported ECE is cross-fitted too: each row is judged by a calibrator that has not seen it.
    """
    kinds = KINDS if len(labels) >= ENOUGH_ROWS else KINDS[:1]
    right = (probabilities.argmax(axis=1) == labels).astype(np.int64)
    folds = np.random.default_rng(0).permutation(len(labels)) % FOLDS
    held_out = {kind: _cross_fitted(kind, probabilities, labels, folds) for kind in kinds}
    losses = {kind: nll(np.stack([1 - sure, sure], axis=1), right) for kind, sure in held_out.items()}
    best = min(losses, key=lambda kind: losses[kind])
    figures = {"kind": best, "ece": ece(held_out[best], right), "log_loss": losses[best], "by_kind": losses}
    return CALIBRATORS[best].fit(probabilities, labels, fingerprint=fingerprint), figures


def _cross_fitted(kind: str, probabilities: FloatArray, labels: IntArray, folds: IntArray) -> FloatArray:
    """(N,) out-of-fold confidence."""
    confidence = np.empty(len(labels))
    for fold in np.unique(folds):
        inside, outside = folds == fold, folds != fold
        calibrator = CALIBRATORS[kind].fit(probabilities[outside], labels[outside])
        confidence[inside] = calibrator.confidence(probabilities[inside])
    return confidence
