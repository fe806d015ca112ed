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
        typer.Option(
            "--out",
            help="Where the refitted parts go.",
            metavar="DIR",
            file_okay=False,
            show_default="home folder",
        ),
    ] = None,
    data: Annotated[
        Path,
        typer.Option(
            "--data", help="What `mend data` wrote; its dev set is used.", metavar="DIR", file_okay=False
        ),
    ] = Path("data/processed/emotion_dataset_balanced"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    config: ConfigFile = None,
    overrides: Overrides = None,
) -> None:
    """Learn from corrections: show what would change on the dev set, then write it if you agree.

    > mend correct emotion "Well, that went brilliantly." anger

    > mend learn emotion
    """
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    fit = late(f"mendgraph.training.{graph}.learn", "learn", extra="train")
    folder = out or home() / "learned" / graph
    console = answers_console()
    report = fit(
        home() / "corrections.sqlite", config=settings, out=folder, write=False, echo=story, data_dir=data
    )
    for line in report.lines():
        console.print(line, soft_wrap=True)
    if not yes and not typer.confirm(f"Write this to {folder}?", err=True):
        story("nothing written")
        return
    report.write()
    story(f"written to {folder}")
