"""Charts of the evaluation: answers by level, calibration of the detector, and what two settings do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mendgraph.core.arrays import BoolArray, FloatArray
from mendgraph.evaluation.charts import BLUE, GREEN, GREY, ORANGE, calm, new_figure, saved
from mendgraph.evaluation.conflict.answers import ALL, CHANCE
from mendgraph.evaluation.conflict.sweeps import ThresholdPoint

__all__ = ["levels_chart", "reliability_chart", "steps_chart", "threshold_chart"]

BINS: Final = 10
_FEWEST: Final = 5
"""Rows of a bin below which it is not drawn."""


def levels_chart(accuracy: Mapping[str, Mapping[str, Any]], systems: Sequence[str], path: Path) -> Path:
    """Right answers of each system on each level, with intervals; dashes are chance."""
    groups = list(accuracy[CHANCE])
    figure = new_figure(2.1 * len(groups) + 1.6, 0.3 * len(systems) + 1.6)
    for axes, group in zip(np.ravel(figure.subplots(1, len(groups), sharey=True)), groups, strict=True):
        value = np.array([accuracy[name][group]["accuracy"] for name in systems])
        reach = np.abs(np.array([accuracy[name][group]["interval"] for name in systems]).T - value)
        axes.barh(range(len(systems)), 100 * value, color=BLUE, height=0.6)
        axes.errorbar(
            100 * value, range(len(systems)), xerr=100 * reach, fmt="none", ecolor="black", elinewidth=0.8
        )
        axes.axvline(100 * accuracy[CHANCE][group]["accuracy"], color=GREY, linestyle="--", linewidth=1)
        axes.set_yticks(range(len(systems)), systems, fontsize=8)
        axes.set(xlim=(0, 100), xlabel="right, %")
        axes.set_title(f"{group} ({accuracy[CHANCE][group]['rows']})", fontsize=9)
        calm(axes)
    figure.axes[0].invert_yaxis()
    return saved(figure, path)


def reliability_chart(found: Mapping[str, tuple[FloatArray, BoolArray]], path: Path) -> Path:
    """Share of conflicts against the probability that was given, for each set; on the diagonal they are equal."""
    figure = new_figure(4.8, 4.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    for name, (chance, truth) in found.items():
        bins = np.minimum((chance * BINS).astype(int), BINS - 1)
        kept = [place for place in range(BINS) if (bins == place).sum() >= _FEWEST]
        axes.plot(
            [float(chance[bins == place].mean()) for place in kept],
            [float(truth[bins == place].mean()) for place in kept],
            marker="o",
            markersize=4,
            linewidth=1.4,
            label=f"{name} ({len(chance):,})",
        )
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel="probability of a conflict",
        ylabel="share of conflicts",
        title="Calibration of the detector",
    )
    axes.legend(frameon=False, fontsize=8)
    calm(axes)
    return saved(figure, path)


def threshold_chart(points: Sequence[ThresholdPoint], path: Path) -> Path:
    figure = new_figure(5.6, 3.8)
    axes = figure.subplots()
    at = [min(one.threshold, 1.0) for one in points]
    lines = {
        "right answers": (BLUE, [one.accuracy for one in points]),
        "F1 of detection": (GREEN, [one.f1 for one in points]),
        "taken for a conflict": (GREY, [one.acted for one in points]),
    }
    for label, (colour, values) in lines.items():
        axes.plot(at, values, marker="o", markersize=3, color=colour, label=label)
    low, high = zip(*(one.interval for one in points), strict=True)
    axes.fill_between(at, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axes.set(xlabel="threshold of detection", ylabel="share", ylim=(0, 1))
    other = axes.twinx()
    other.plot(at, [one.passes for one in points], color=ORANGE, linestyle=":", label="passes (right)")
    other.set(ylabel="forward passes", ylim=(0, None))
    other.spines["top"].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    other.legend(frameon=False, fontsize=8, loc="lower right")
    calm(axes)
    return saved(figure, path)


def steps_chart(steps: Mapping[str, Mapping[str, Any]], path: Path) -> Path:
    """Right answers after each number of steps, a line per level."""
    counts = [int(count) for count in steps if count.isdigit()]
    groups = [name for name, value in next(iter(steps.values())).items() if isinstance(value, Mapping)]
    figure = new_figure(5.2, 3.6)
    axes = figure.subplots()
    for name in groups:
        values = [steps[str(count)][name]["accuracy"] for count in counts]
        axes.plot(counts, values, marker="o", markersize=3, linewidth=2.2 if name == ALL else 1.2, label=name)
    axes.set_xticks(counts)
    axes.set(xlabel="steps of refinement", ylabel="right answers", ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8)
    calm(axes)
    return saved(figure, path)
