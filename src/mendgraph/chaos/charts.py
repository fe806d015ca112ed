"""Latency and memory over the time of a chaos run, as PNG files."""

from __future__ import annotations

from pathlib import Path

from mendgraph.chaos.report import ChaosReport
from mendgraph.evaluation.charts import BLUE, GREY, ORANGE, calm, new_figure, saved


def chaos_charts(report: ChaosReport, folder: Path) -> list[Path]:
    """``latency.png`` and, where memory was measured, ``memory.png``."""
    written = [_latency(report, folder / "latency.png")]
    if report.samples:
        written.append(_memory(report, folder / "memory.png"))
    return written


def _latency(report: ChaosReport, path: Path) -> Path:
    figure = new_figure(7.5, 3.6)
    axes = figure.subplots()
    for chosen, colour, name in (
        (~report.under_faults, BLUE, "calm"),
        (report.under_faults, ORANGE, "under faults"),
    ):
        axes.scatter(report.at[chosen], report.seconds[chosen] * 1e3, s=5, color=colour, label=name)
    axes.set(xlabel="seconds", ylabel="milliseconds")
    if len(report.seconds):
        axes.set_yscale("log")
    axes.set_title("Latency of each request", loc="left")
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    calm(axes)
    return saved(figure, path)


def _memory(report: ChaosReport, path: Path) -> Path:
    figure = new_figure(7.5, 3.6)
    axes = figure.subplots()
    at = [sample.at - report.began for sample in report.samples]
    axes.plot(at, [sample.parent_mb for sample in report.samples], color=BLUE, label="parent")
    if any(sample.processes for sample in report.samples):
        axes.plot(at, [sample.workers_mb for sample in report.samples], color=GREY, label="workers")
    axes.set(xlabel="seconds", ylabel="MiB resident")
    axes.set_ylim(bottom=0)
    axes.set_title("Memory", loc="left")
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    calm(axes)
    return saved(figure, path)
