"""Charts of the evaluation: pairs ranked right, and scores of real turns by level."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mendgraph.core.reflection import LABELS
from mendgraph.evaluation.charts import BLUE, GREY, ORANGE, calm, new_figure, saved
from mendgraph.evaluation.reflection.shares import Share
from mendgraph.evaluation.reflection.targets import BOUNDS
from mendgraph.evaluation.reflection.transfer import Heard


def write_plots(
    folder: Path,
    every: Mapping[str, Mapping[str, Share]],
    like: Mapping[str, Mapping[str, Share]],
    heard: Mapping[str, Heard],
) -> tuple[Path, ...]:
    """PNG files in `folder`; `every` and `like` are the shares of each system over all and length-matched pairs."""
    paths = [_pairs(every, like, folder / "reflection_pairs.png")]
    paths += [_levels(name, found, folder / f"reflection_annomi_{name}.png") for name, found in heard.items()]
    return tuple(paths)


def _pairs(
    every: Mapping[str, Mapping[str, Share]], like: Mapping[str, Mapping[str, Share]], path: Path
) -> Path:
    kinds = [kind for kind in BOUNDS if kind in next(iter(every.values()))]
    figure = new_figure(3.1 * len(kinds), 4.4)
    for axes, kind in zip(np.ravel(figure.subplots(1, len(kinds), sharey=True)), kinds, strict=True):
        names = [name for name in every if kind in every[name]]
        for shift, table, colour in ((-0.18, every, BLUE), (0.18, like, ORANGE)):
            if kind == "swap" and table is like:
                continue  # a response is as long as itself
            shown = [(at, table[name][kind]) for at, name in enumerate(names) if kind in table[name]]
            at = np.array([place for place, _ in shown]) + shift
            value = np.array([share.value for _, share in shown])
            reach = np.abs(np.array([share.interval for _, share in shown]).T - value)
            label = "all pairs" if table is every else "like length"
            axes.barh(at, value, height=0.34, color=colour, label=label)
            axes.errorbar(value, at, xerr=reach, fmt="none", ecolor="black", elinewidth=0.8)
        axes.axvline(BOUNDS[kind][0], color=GREY, linestyle="--", linewidth=1)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.set(xlim=(0, 1), xlabel="share ranked right", title=kind)
        calm(axes)
    first = figure.axes[0]
    first.invert_yaxis()
    figure.legend(*first.get_legend_handles_labels(), frameon=False, fontsize=8, loc="lower left", ncols=2)
    return saved(figure, path)


def _levels(name: str, found: Heard, path: Path) -> Path:
    figure = new_figure(5.0, 3.6)
    axes = figure.subplots()
    rows = [found.scores[found.levels == level] for level in range(len(LABELS))]
    axes.boxplot(rows, widths=0.55, medianprops={"color": ORANGE, "linewidth": 1.6})
    axes.set_xticks(
        range(1, len(LABELS) + 1),
        [f"{label}\nn={len(row)}" for label, row in zip(LABELS, rows, strict=True)],
        fontsize=8,
    )
    axes.set(ylabel="score", ylim=(0, 1))
    axes.set_title(f"Scores of real turns by annotated level: {name}", loc="left", fontsize=9)
    calm(axes)
    return saved(figure, path)
