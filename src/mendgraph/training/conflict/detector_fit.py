"""Fits a conflict detector to pooled hidden states, and calibrates it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mendgraph.core.calibration import Vector
from mendgraph.core.metrics import auroc, ece, macro_f1
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.conflict_features import FEATURES
from mendgraph.training.conflict.states import States

__all__ = ["DetectorSpec", "FittedDetector", "detector_figures", "fit_detector", "pairs_of"]


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """
    Attributes:
        features: of `FEATURES`; the published detector has ``prompt`` alone.
        width: of the hidden layer; None takes `default_width`.
        epochs: at most; the best on dev is kept.
    """

    features: tuple[str, ...] = tuple(FEATURES)
    width: int | None = None
    dropout: float = 0.3
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    batch: int = 128
    epochs: int = 40
    seed: int = 0


@dataclass(frozen=True, slots=True)
class FittedDetector:
    """
    Attributes:
        layer: whose states it reads.
        history: dev AUROC after each epoch.
        calibrator: of (no conflict, conflict), fitted on dev.
    """

    detector: ConflictDetector
    layer: int
    spec: DetectorSpec
    history: tuple[float, ...]
    calibrator: Vector


def fit_detector(
    train: States, dev: States, layer: int, spec: DetectorSpec, *, fingerprint: str = ""
) -> FittedDetector:
    """Binary cross-entropy in which conflicts and their absence weigh the same; best epoch on dev by AUROC."""
    torch.manual_seed(spec.seed)
    features, labels = train.of(layer, spec.features), train.conflict.float()
    held = dev.of(layer, spec.features)
    detector = ConflictDetector(features.shape[1], spec.width, spec.dropout)
    detector.standardise(features)
    optimizer = torch.optim.AdamW(
        detector.parameters(), lr=spec.learning_rate, weight_decay=spec.weight_decay
    )
    share = float(labels.mean())
    weights = torch.where(labels > 0, 0.5 / max(share, 1e-6), 0.5 / max(1 - share, 1e-6))
    noise = torch.Generator().manual_seed(spec.seed)
    best, history = deepcopy(detector), list[float]()
    for _ in range(spec.epochs):
        detector.train()
        for rows in torch.randperm(len(labels), generator=noise).split(spec.batch):
            loss = functional.binary_cross_entropy_with_logits(
                detector(features[rows]), labels[rows], weights[rows]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        detector.eval()
        with torch.inference_mode():
            score = auroc(detector(held).numpy(), dev.conflict.numpy())
        if score > max(history, default=-1.0):
            best = deepcopy(detector)
        history.append(round(score, 5))
    best = best.eval().requires_grad_(False)
    calibrator = Vector.fit(pairs_of(best, held), dev.conflict.long().numpy(), fingerprint=fingerprint)
    return FittedDetector(best, layer, spec, tuple(history), calibrator)


def pairs_of(
    detector: ConflictDetector, features: Tensor
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(N, 2) probabilities of no conflict and of one, before calibration."""
    with torch.inference_mode():
        found = detector(features).double().sigmoid().numpy()
    return np.stack([1 - found, found], axis=1)


def detector_figures(fitted: FittedDetector, states: States) -> dict[str, float]:
    """AUROC, F1 and ECE on (N) sets, and of each level how many are found at a threshold of one half."""
    pairs = pairs_of(fitted.detector, states.of(fitted.layer, fitted.spec.features))
    calibrated = fitted.calibrator.transform(pairs)[:, 1]
    truth = states.conflict.numpy()
    said = calibrated >= 0.5
    sure = np.where(said, calibrated, 1 - calibrated)
    raw = pairs.max(axis=1)
    found = {
        "AUROC": auroc(calibrated, truth),
        "accuracy": float((said == truth).mean()),
        "macro-F1": macro_f1(truth.astype(int), said.astype(int), 2),
        "ECE": ece(sure, said == truth),
        "ECE before calibration": ece(raw, pairs.argmax(axis=1) == truth),
    }
    found |= {f"found, {level}": rate for level, rate in _by_level(said, states.levels).items()}
    return {name: round(value, 4) for name, value in found.items()}


def _by_level(
    said: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], levels: Sequence[str]
) -> dict[str, float]:
    """Share of each level taken for a conflict; of ``none`` it is the share of false alarms."""
    names = np.array(levels)
    return {level: float(said[names == level].mean()) for level in sorted(set(levels))}
