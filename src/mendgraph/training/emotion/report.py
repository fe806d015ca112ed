"""The pictures of a training run: confusion matrix, reliability diagram, training curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.calibration import Calibrator
from mendgraph.core.metrics import confusion_matrix, ece
from mendgraph.errors import MendError
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.tables import TRAIN_EXTRA

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 15


def write_plots(
    folder: Path,
    probabilities: FloatArray,
    labels: IntArray,
    calibrator: Calibrator,
    history: Sequence[Mapping[str, Any]],
) -> None:
    """Writes the three PNG files; `probabilities` (N, 8) and `labels` (N,) are those of dev."""
    for name, figure in (
        ("confusion_matrix", _confusion(probabilities, labels)),
        ("reliability", _reliability(probabilities, labels, calibrator)),
        ("training_curve", _curve(history)),
    ):
        figure.savefig(folder / f"{name}.png", dpi=110)


def _figure(width: float, height: float) -> Figure:
    """A figure that does not touch pyplot, whose state and backend belong to the caller's process."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MendError("plots need matplotlib, which is not installed", hint=TRAIN_EXTRA) from error
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _confusion(probabilities: FloatArray, labels: IntArray) -> Figure:
    counts = confusion_matrix(labels, probabilities.argmax(axis=1), len(LABELS))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = _figure(7, 6)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=45, ha="right")
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set(xlabel="predicted", ylabel="true", title=f"Confusion on dev, {len(labels):,} rows")
    for true, row in enumerate(counts):
        for said, count in enumerate(row):
            colour = "white" if shares[true, said] > 0.5 else "black"
            axes.text(said, true, str(count), ha="center", va="center", color=colour, fontsize=8)
    return figure


def _reliability(probabilities: FloatArray, labels: IntArray, calibrator: Calibrator) -> Figure:
    figure = _figure(9, 4.5)
    left, right = figure.subplots(1, 2, sharey=True)
    _diagram(left, "raw", probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)
    calibrated = calibrator.confidence(probabilities), calibrator.classes(probabilities) == labels
    _diagram(right, f"after {calibrator.kind} (fitted on these rows)", *calibrated)
    left.set_ylabel("accuracy")
    return figure


def _diagram(axes: Axes, title: str, confidence: FloatArray, correct: BoolArray) -> None:
    index = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    rows = np.bincount(index, minlength=BINS)
    accuracy = np.bincount(index, weights=correct.astype(np.float64), minlength=BINS) / np.maximum(rows, 1)
    centres = (np.arange(BINS) + 0.5) / BINS
    axes.bar(centres, accuracy, width=1 / BINS, edgecolor="white", color="tab:blue", label="accuracy")
    axes.bar(centres, rows / rows.sum(), width=0.4 / BINS, color="tab:orange", label="share of rows")
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--")
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="confidence",
        title=f"{title}: ECE {ece(confidence, correct, BINS):.3f}",
    )
    axes.legend(loc="upper left", fontsize=8)


def _curve(history: Sequence[Mapping[str, Any]]) -> Figure:
    steps = [(entry["epoch"], entry["loss"]) for entry in history if "loss" in entry]
    epochs = [(entry["epoch"], entry["eval_macro_f1"]) for entry in history if "eval_macro_f1" in entry]
    figure = _figure(7, 4)
    axes = figure.subplots()
    axes.plot(*_columns(steps), color="tab:gray", marker=".", label="training loss")
    axes.set(xlabel="epoch", ylabel="loss", title="Training curve")
    scores = axes.twinx()
    scores.plot(*_columns(epochs), color="tab:blue", marker="o", label="macro-F1 on dev")
    scores.set(ylabel="macro-F1", ylim=(0, 1))
    figure.legend(loc="outside upper right", fontsize=8)
    return figure


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]
