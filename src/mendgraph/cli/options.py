"""Arguments and options that several commands share."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from typing import Annotated

import typer

import mendgraph
from mendgraph.errors import UnknownNameError


def known_graphs() -> list[str]:
    """Names of the graphs that come with the package, found without importing them."""
    folders = [str(Path(folder) / "graphs") for folder in mendgraph.__path__]
    return sorted(module.name for module in pkgutil.iter_modules(folders))


def _known(name: str) -> str:
    graphs = known_graphs()
    if name not in graphs:
        raise typer.BadParameter(str(UnknownNameError("graph", name, graphs)))
    return name


GraphName = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="Which graph, e.g. emotion.",
        callback=_known,
        autocompletion=known_graphs,
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Your configuration; it needs only what differs from the defaults.",
        metavar="FILE",
        rich_help_panel="Configuration",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="One setting on top of the configuration, e.g. emotion.device=cpu. Repeatable.",
        metavar="KEY=VALUE",
        rich_help_panel="Configuration",
    ),
]
Down = Annotated[
    list[str] | None,
    typer.Option(
        "--down", help="Treat this tier as dead and watch the graph heal. Repeatable.", metavar="TIER"
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        help="Confidence every check asks for, instead of the fitted thresholds.",
        min=0.0,
        max=1.0,
    ),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal", help="Append every final answer to FILE as a JSON line.", metavar="FILE", dir_okay=False
    ),
]
