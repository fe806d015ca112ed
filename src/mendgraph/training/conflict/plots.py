"""Curves of training runs and sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mendgraph.errors import MendError

__all__ = ["write_lines"]


def write_lines(
    lines: Mapping[str, Sequence[float]],
    path: Path,
    *,
    x: str,
    y: str,
    title: str,
    at: Sequence[float] | None = None,
) -> None:
    """One picture; points at `at`, or at 0, 1, ...

    Raises:
        MendError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MendError(
            "plots need matplotlib, which is not installed", hint="pip install 'mendgraph[train]'"
        ) from error
    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for label, values in lines.items():
        axes.plot(range(len(values)) if at is None else at, values, marker="o", markersize=3, label=label)
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.legend()
    figure.savefig(path, dpi=120)
