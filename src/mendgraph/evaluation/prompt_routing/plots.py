"""Charts: the gap recovered for few strong calls, quality for money, and who recovers how much of the gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.evaluation.charts import BLUE, GREEN, GREY, ORANGE, calm, new_figure, saved
from mendgraph.evaluation.prompt_routing.frontier import Frontier
from mendgraph.evaluation.prompt_routing.recovery import curve
from mendgraph.evaluation.prompt_routing.strong_calls import signal
from mendgraph.evaluation.prompt_routing.trials import Trials

COLOURS = (BLUE, ORANGE, GREEN, "#7b4b94", "#b23a48", "#5f6b6d")
GRID = np.linspace(0, 1, 201)


def recovery_chart(
    sets: Mapping[str, Trials], names: Sequence[str], weak: str, strong: str, path: Path
) -> Path:
    """One panel per set of trials: mean curve over draws of each router in `names`."""
    figure = new_figure(4.6 * len(sets), 4.2)
    for axes, (title, trials) in zip(
        np.ravel(figure.subplots(1, len(sets), sharey=True)), sets.items(), strict=True
    ):
        for name, colour in zip(names, COLOURS, strict=False):
            if name in trials.predicted:
                axes.plot(
                    GRID, _mean_curve(trials, name, weak, strong), label=name, color=colour, linewidth=1.6
                )
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="random")
        axes.set(xlabel="share of strong calls", xlim=(0, 1), title=title)
        calm(axes)
    figure.axes[0].set_ylabel("share of the gap recovered")
    figure.axes[0].legend(frameon=False, fontsize=8, loc="lower right")
    return saved(figure, path)


def frontier_chart(found: Frontier, title: str, path: Path) -> Path:
    figure = new_figure(6.4, 4.6)
    axes = figure.subplots()
    for (name, points), colour in zip(found.routers.items(), COLOURS, strict=False):
        cost = [1e6 * point.cost for point in points]
        score = np.array([point.score.value for point in points])
        reach = np.array([point.score.interval for point in points]).T
        axes.plot(cost, score, color=colour, linewidth=1.6, marker=".", label=name)
        axes.fill_between(cost, reach[0], reach[1], color=colour, alpha=0.12, linewidth=0)
    axes.plot(
        [1e6 * cost for cost, _ in found.hull],
        [score for _, score in found.hull],
        color=GREY,
        linestyle="--",
        linewidth=1,
        label="mixtures of single models",
    )
    for name, (dollars, mean) in found.singles.items():
        axes.plot(1e6 * dollars, mean, marker="o", color=GREY, markersize=4)
        axes.annotate(
            name, (1e6 * dollars, mean), fontsize=6, color=GREY, xytext=(3, -7), textcoords="offset points"
        )
    axes.set(xlabel="dollars per million prompts", ylabel="mean score", xscale="log")
    axes.set_title(title, loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    calm(axes)
    return saved(figure, path)


def _mean_curve(trials: Trials, name: str, weak: str, strong: str) -> FloatArray:
    """Over draws, at `GRID`."""
    low, high = (trials.test.models.index(model) for model in (weak, strong))
    gain = trials.test.scores[:, high] - trials.test.scores[:, low]
    once = np.ones((1, len(gain)))
    curves = []
    for row in signal(trials.predicted[name], trials.folds, low, high):
        calls, recovered = curve(row, gain, once)
        curves.append(np.interp(GRID, calls[0], recovered[0]))
    return np.asarray(np.mean(curves, axis=0), dtype=np.float64)
