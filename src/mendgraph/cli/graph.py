"""`mend graph`: the graph as it really runs."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mendgraph.cli.console import answers_console, story, waiting
from mendgraph.cli.opening import load_graph
from mendgraph.cli.options import ConfigFile, GraphName, Overrides
from mendgraph.errors import DataError, TierError

if TYPE_CHECKING:
    from langchain_core.runnables.graph import Graph

    from mendgraph.core.values import Failure, Input, Prediction


class Format(StrEnum):
    mermaid = "mermaid"
    text = "text"
    svg = "svg"


class _Outline:
    """A tier that is only drawn: the picture needs names, no models."""

    fingerprint = ""

    def __init__(self, name: str) -> None:
        self.name = name

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        raise TierError(f"tier {self.name!r} was opened for drawing only")


def graph(
    graph: GraphName,
    form: Annotated[
        Format, typer.Option("--format", "-f", help="text: a drawing for terminals; svg needs Graphviz.")
    ] = Format.text,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Write to FILE instead of stdout.", metavar="FILE", dir_okay=False
        ),
    ] = None,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Draw the graph with the tiers your configuration gives it.

    Solid ways are always taken, dotted ones depend on the rows.

    > mend graph emotion

    > mend graph emotion --format mermaid -o emotion.mmd
    """
    from mendgraph.cli.drawing import as_svg, as_text

    with waiting("drawing"):
        picture = outline(graph, config, overrides)
    if form is Format.mermaid:
        drawn = picture.draw_mermaid()
    elif form is Format.svg:
        drawn = as_svg(picture)
    else:
        drawn = as_text(picture, unicode=output is not None or not answers_console().options.ascii_only)
    if output is None:
        typer.echo(drawn.rstrip("\n"))
        return
    try:
        output.write_text(drawn.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot write {output}: {error.strerror}") from error
    story(f"written to {output}")


def outline(name: str, config: Path | None, overrides: Sequence[str] | None) -> Graph:
    """The drawable graph, without opening any model."""
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    tiers = {tier: _Outline(tier) for tier in settings.graph(name).tiers}
    drawable: Graph = load_graph(name, config=settings, tiers=tiers).graph.get_graph()
    return drawable
