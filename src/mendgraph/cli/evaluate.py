"""`mend eval`: how good the graph is, beside its baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mendgraph.cli.console import answers_console, story
from mendgraph.cli.opening import late
from mendgraph.cli.options import ConfigFile, GraphName, Overrides
from mendgraph.cli.tables import figures_table


def evaluate(
    graph: GraphName,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", help="Folder with the test sets.", metavar="DIR", file_okay=False)
    ],
    json_path: Annotated[
        Path | None,
        typer.Option("--json", help="Write every figure to FILE.", metavar="FILE", dir_okay=False),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            help="Write reliability, risk-coverage and confusion charts.",
            metavar="DIR",
            file_okay=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only this test set. Repeatable.", metavar="NAME")
    ] = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Measure the graph on labelled test sets, beside the majority class, TF-IDF and its primary tier alone.

    Prints macro-F1, balanced accuracy, calibration error before and after, area under the risk-coverage
    curve, coverage at 10 % risk, rows rescued and harmed by healing, and rows per second, with bootstrap intervals.

    > mend eval emotion --data-dir data/test --json results.json --plots charts/
    """
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    measure = late(f"mendgraph.evaluation.{graph}", "evaluate", extra="train")
    report = measure(
        settings, data_dir, echo=story, json_path=json_path, plots_dir=plots, only=tuple(only or ())
    )
    console = answers_console()
    for table in report.tables():
        console.print(figures_table(table))
