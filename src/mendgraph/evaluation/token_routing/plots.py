"""Charts of the evaluation: bits per byte, routing, the lazy trade, accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.evaluation.charts import BLUE, GREY, ORANGE, calm, new_figure, saved
from mendgraph.evaluation.token_routing.likelihood import RANDOM, Accuracy
from mendgraph.evaluation.token_routing.patterns import LazyPoint
from mendgraph.evaluation.token_routing.systems import DOMAIN, ORACLE
from mendgraph.evaluation.token_routing.text import TextScores


def text_chart(scores: TextScores, modes: tuple[str, ...], path: Path) -> Path:
    """Mean bits per byte of every system with its interval; our modes in colour."""
    names = list(scores.bits)
    figure = new_figure(6.5, 0.34 * len(names) + 1.2)
    axes = figure.subplots()
    value = np.array([scores.bits[name].mean for name in names])
    reach = np.abs(np.array([scores.bits[name].interval for name in names]).T - value)
    colours = [BLUE if name in modes else ORANGE if name in (DOMAIN, ORACLE) else GREY for name in names]
    axes.barh(range(len(names)), value, color=colours, height=0.6)
    axes.errorbar(value, range(len(names)), xerr=reach, fmt="none", ecolor="black", elinewidth=0.8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="bits per byte", title="Held-out text, mean over kinds of passages")
    axes.set_xlim(left=0.9 * float(value.min()))
    calm(axes)
    return saved(figure, path)


def routing_chart(
    matrices: Mapping[str, FloatArray], domains: tuple[str, ...], experts: tuple[str, ...], path: Path
) -> Path:
    """One heat map per system: share of the tokens of a domain that each expert speaks."""
    figure = new_figure(2.6 * len(matrices) + 0.6, 2.9)
    for axes, (name, matrix) in zip(
        np.ravel(figure.subplots(1, len(matrices), sharey=True)), matrices.items(), strict=True
    ):
        axes.imshow(matrix, vmin=0, vmax=1, cmap="Blues")
        for row, column in np.ndindex(matrix.shape):
            share = matrix[row, column]
            axes.text(
                column, row, f"{share:.0%}", ha="center", va="center", fontsize=8,
                color="white" if share > 0.6 else "black",
            )  # fmt: skip
        axes.set_xticks(range(len(experts)), experts, fontsize=7, rotation=30)
        axes.set_yticks(range(len(domains)), domains, fontsize=8)
        axes.set_title(name, fontsize=9)
    return saved(figure, path)


def lazy_chart(frontier: list[LazyPoint], path: Path) -> Path:
    figure = new_figure(5.2, 3.4)
    axes = figure.subplots()
    axes.plot([p.heard for p in frontier], [p.bits for p in frontier], marker="o", color=BLUE, linewidth=1.4)
    for point in frontier:
        axes.annotate(
            f"{point.threshold:g}",
            (point.heard, point.bits),
            fontsize=7,
            xytext=(3, 4),
            textcoords="offset points",
        )
    axes.set(
        xlabel="share of tokens at which all experts are heard",
        ylabel="bits per byte",
        title="Lazy decoding, by trust threshold",
    )
    calm(axes)
    return saved(figure, path)


def accuracy_chart(benchmarks: Mapping[str, Mapping[str, Any]], path: Path) -> Path:
    """Accuracy of every system on every benchmark; the dashed line is chance."""
    figure = new_figure(2.7 * len(benchmarks) + 0.8, 3.8)
    for axes, (name, found) in zip(
        np.ravel(figure.subplots(1, len(benchmarks), sharey=True)), benchmarks.items(), strict=True
    ):
        accuracy: Mapping[str, Accuracy] = found["accuracy"]
        systems = [system for system in accuracy if system != RANDOM]
        value = np.array([accuracy[system].value for system in systems])
        reach = np.abs(np.array([accuracy[system].interval for system in systems]).T - value)
        axes.barh(range(len(systems)), value, color=BLUE, height=0.6)
        axes.errorbar(value, range(len(systems)), xerr=reach, fmt="none", ecolor="black", elinewidth=0.8)
        axes.axvline(found["chance"], color=GREY, linestyle="--", linewidth=1)
        axes.set_yticks(range(len(systems)), systems, fontsize=8)
        axes.set(xlim=(0, 1), title=name, xlabel="accuracy")
        calm(axes)
    figure.axes[0].invert_yaxis()
    return saved(figure, path)
