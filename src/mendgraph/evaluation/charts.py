"""Charts over answers, as PNG files.  matplotlib is loaded on first use and never told anything global."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mendgraph.core.values import Answer
from mendgraph.errors import DataError, MendError
from mendgraph.runtime.statistics import healed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, GREEN = "#2a6f97", "#e07a3f", "#8d99ae", "#4c956c"
STATUS_COLOURS = {"accepted": GREEN, "needs_clarification": ORANGE, "abstained": GREY, "failed": "#b23a48"}
WINDOW = 20
"""Answers the running mean of the confidence curve looks back on."""

Draw = Callable[["Axes", Sequence[Answer]], None]


def session_chart(answers: Sequence[Answer], path: Path) -> Path:
    """The three charts of a session on one page."""
    figure = new_figure(7.5, 9.5)
    for axes, draw in zip(figure.subplots(3, 1), CHARTS.values(), strict=True):
        draw(axes, answers)
    return saved(figure, path)


def session_charts(answers: Sequence[Answer], folder: Path) -> list[Path]:
    """One file for each of `CHARTS`, named after it."""
    paths = []
    for name, draw in CHARTS.items():
        figure = new_figure(7.5, 3.6)
        draw(figure.subplots(), answers)
        paths.append(saved(figure, folder / f"{name}.png"))
    return paths


def risk_coverage(
    curves: Mapping[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]], path: Path
) -> Path:
    """Risk against coverage, one line per name; both (K,) in [0, 1], as `risk_coverage_curve` gives them."""
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    for name, (coverage, risk) in curves.items():
        axes.plot(coverage, risk, label=name, linewidth=1.6)
    axes.set(xlabel="coverage", ylabel="risk (error among answered)", xlim=(0, 1), title="Risk and coverage")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    calm(axes)
    return saved(figure, path)


def confidence_curve(axes: Axes, answers: Sequence[Answer]) -> None:
    """Confidence of each answer in order, coloured by status, and its running mean."""
    known = [(number, a) for number, a in enumerate(answers, start=1) if a.confidence is not None]
    for status, colour in STATUS_COLOURS.items():
        points = [(number, a.confidence) for number, a in known if a.status == status]
        if points:
            across, up = zip(*points, strict=True)
            axes.scatter(across, up, s=14, color=colour, label=status, zorder=3)
    numbers = [number for number, _ in known]
    values = [a.confidence or 0.0 for _, a in known]
    spans = [values[max(0, end - WINDOW) : end] for end in range(1, len(values) + 1)]
    axes.plot(
        numbers, [sum(span) / len(span) for span in spans], color=BLUE, linewidth=1.4, label="running mean"
    )
    axes.set(xlabel="answer", ylabel="confidence", ylim=(0, 1.02))
    axes.set_title("Confidence over the session", loc="left")
    _legend(axes)
    calm(axes)


def tier_bars(axes: Axes, answers: Sequence[Answer]) -> None:
    """How often each tier settled a row, split into first attempts and healed rows."""
    sources = Counter(a.source for a in answers if a.accepted)
    mended = Counter(a.source for a in answers if healed(a))
    names = [name for name, _ in sources.most_common()]
    at_once, later = [sources[name] - mended[name] for name in names], [mended[name] for name in names]
    axes.barh(names, at_once, height=0.55, color=BLUE, label="at the first attempt")
    axes.barh(names, later, left=at_once, height=0.55, color=ORANGE, label="healed")
    axes.invert_yaxis()
    axes.set(xlabel="rows")
    axes.set_title("Which tier settled the rows", loc="left")
    _legend(axes)
    calm(axes)


def confidence_by_label(axes: Axes, answers: Sequence[Answer]) -> None:
    """Spread of the confidence for each best guess: quartiles, and whiskers to 1.5 interquartile ranges."""
    found: dict[str, list[float]] = {}
    for answer in answers:
        if answer.confidence is not None and answer.best_guess is not None:
            found.setdefault(answer.best_guess, []).append(answer.confidence)
    names = sorted(found, key=lambda name: -len(found[name]))
    if names:
        axes.boxplot(
            [found[name] for name in names], widths=0.55, medianprops={"color": ORANGE, "linewidth": 1.6}
        )
    axes.set_xticks(range(1, len(names) + 1), [f"{name}\nn={len(found[name])}" for name in names], fontsize=8)
    axes.set(ylabel="confidence", ylim=(0, 1.02))
    axes.set_title("Confidence by emotion", loc="left")
    calm(axes)


CHARTS: Mapping[str, Draw] = {
    "confidence_curve": confidence_curve,
    "tier_bars": tier_bars,
    "confidence_by_label": confidence_by_label,
}


def _legend(axes: Axes) -> None:
    """Above the axes, where it covers nothing; the title stands to its left."""
    axes.legend(
        frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=5, borderaxespad=0.2
    )


def new_figure(width: float, height: float) -> Figure:
    """A figure outside pyplot's registry: no global state, no display, free for the garbage collector."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MendError("charts need matplotlib", hint="pip install 'mendgraph[viz]'") from error
    return Figure(figsize=(width, height), layout="constrained")


def calm(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)


def saved(figure: Figure, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=144, format="png")
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from error
    return path
