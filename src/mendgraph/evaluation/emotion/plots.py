"""Charts of an evaluation: reliability, risk and coverage, confusion, confidence by emotion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.metrics import confusion_matrix, ece, risk_coverage_curve
from mendgraph.evaluation.charts import (
    BLUE,
    GREY,
    ORANGE,
    calm,
    confidence_by_label,
    new_figure,
    risk_coverage,
    saved,
)
from mendgraph.evaluation.emotion.answers import Collected, System

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 15


def write_plots(
    folder: Path, collected: Collected, labels: IntArray, names: Sequence[str]
) -> tuple[Path, ...]:
    """Four PNG files in `folder`; `labels` (N,) number `names`."""
    calibrated = collected.tiers[collected.first]
    curves = {
        f"{collected.raw.name}, max softmax": collected.raw,
        f"{calibrated.name}, calibrated": calibrated,
        "cascade": collected.cascade,
    }
    lines = {name: risk_coverage_curve(s.confidence, s.right(labels)) for name, s in curves.items()}
    lines["oracle ordering of the cascade"] = _oracle(collected.cascade.right(labels))
    by_label = new_figure(7.5, 3.8)
    confidence_by_label(by_label.subplots(), collected.answers)
    return (
        _reliability([collected.raw, calibrated, collected.cascade], labels, folder / "reliability.png"),
        risk_coverage(lines, folder / "risk_coverage.png"),
        _confusion(collected.cascade, labels, names, folder / "confusion_matrix.png"),
        saved(by_label, folder / "confidence_by_emotion.png"),
    )


def _oracle(right: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Right rows first; without ties, so that the curve has a point for every row."""
    order = right.astype(np.float64) - np.arange(len(right)) * 1e-9
    return risk_coverage_curve(order, right)


def _reliability(systems: Sequence[System], labels: IntArray, path: Path) -> Path:
    figure = new_figure(4.2 * len(systems), 4.2)
    axes = figure.subplots(1, len(systems), sharey=True)
    for place, system in zip(np.ravel(axes), systems, strict=True):
        _diagram(place, system, system.right(labels))
    np.ravel(axes)[0].set_ylabel("accuracy")
    return saved(figure, path)


def _diagram(axes: Axes, system: System, right: BoolArray) -> None:
    index = np.clip(np.ceil(system.confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    rows = np.bincount(index, minlength=BINS)
    hits = np.bincount(index, weights=right.astype(np.float64), minlength=BINS)
    centres = (np.arange(BINS) + 0.5) / BINS
    axes.bar(centres, hits / np.maximum(rows, 1), width=0.94 / BINS, color=BLUE, label="accuracy")
    axes.bar(centres, rows / rows.sum(), width=0.4 / BINS, color=ORANGE, label="share of rows")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
    title = f"{system.name}: ECE {ece(system.confidence, right, BINS):.3f}"
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", title=title)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    calm(axes)


def _confusion(system: System, labels: IntArray, names: Sequence[str], path: Path) -> Path:
    counts = confusion_matrix(labels, system.said, len(names) + 1)[:-1, :-1]  # the last class is "no answer"
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = new_figure(7.0, 6.0)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    axes.set_xticks(range(len(names)), list(names), rotation=45, ha="right")
    axes.set_yticks(range(len(names)), list(names))
    axes.set(xlabel="answered", ylabel="true", title=f"Best guesses of the cascade, {len(labels):,} rows")
    for true, row in enumerate(counts.tolist()):
        for said, count in enumerate(row):
            colour = "white" if shares[true, said] > 0.5 else "black"
            axes.text(said, true, str(count), ha="center", va="center", color=colour, fontsize=8)
    return saved(figure, path)
