"""`mend learn`: refits calibration, thresholds and the neighbour tier from people's corrections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mendgraph.cli.console import answers_console, story
from mendgraph.cli.opening import late
from mendgraph.cli.options import ConfigFile, GraphName, Overrides
from mendgraph.home import home


def learn(
    graph: GraphName,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Where the refitted parts go.", metavar="DIR", file_okay=False, show_default="home folder"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Learn from corrections: show what would change on the dev set, then write it if you agree.

    [dim]mend correct emotion "Well, that went brilliantly." anger[/dim]

    [dim]mend learn emotion[/dim]
    """
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    fit = late(f"mendgraph.training.{graph}.learn", "learn", extra="train")
    store, folder = home() / "corrections.sqlite", out or home() / "models" / graph
    console = answers_console()
    report = fit(store, config=settings, out=folder, write=yes, echo=story)
    for line in report.lines():
        console.print(line, soft_wrap=True)
    if not yes:
        if not typer.confirm(f"Write this to {folder}?", err=True):
            story("nothing written")
            return
        fit(store, config=settings, out=folder, write=True, echo=story)
    story(f"written to {folder}")
