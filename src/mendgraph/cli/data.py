"""`mend data`: from public data sets to the folder that `mend train` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mendgraph.cli.console import answers_console, story, waiting
from mendgraph.cli.opening import late
from mendgraph.cli.options import TrainableName

MADE = ("conflict",)
"""Graphs whose data are generated, so that no folder has to be named."""


def data(
    graph: TrainableName,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir", help="Folder with the data sets' own files.", metavar="DIR", file_okay=False
        ),
    ] = None,
    hub: Annotated[
        bool,
        typer.Option("--hub", help="Fetch GoEmotions from the Hugging Face hub (needs the extra 'hub')."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where to write.",
            metavar="DIR",
            file_okay=False,
            show_default="data/processed; for all but emotion: a folder of that name in it",
        ),
    ] = None,
    carer: Annotated[
        bool,
        typer.Option("--carer", help="Add CARER. Its licence allows research only: do not ship the weights."),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the splits and of the augmentation.")] = 0,
) -> None:
    """Prepare training data: clean, drop duplicates and leaks between splits, count every class.

    The counts are checked, not assumed: a class that is empty in any split stops the command. Nothing is
    balanced here; dev and test keep the frequencies of their source.

    > mend data emotion --data-dir downloads/

    > mend data reflection --data-dir downloads/

    > mend data prompt_routing --data-dir downloads/

    > mend data token_routing --data-dir downloads/

    > mend data lm --data-dir downloads/

    `conflict` needs no folder: its claim sets are made, from a seed. One with breaking_nli.parquet, and with
    general.parquet or lcr_*.parquet for real text to change, gives the types classifier more to learn from.

    > mend data conflict --data-dir downloads/
    """
    if data_dir is None and not hub and graph not in MADE:
        raise typer.BadParameter("give --data-dir DIR, or --hub")
    prepare = late(f"mendgraph.training.{graph}.prepare", f"prepare_{graph}", extra="hub" if hub else "train")
    out = out or Path("data/processed", "" if graph == "emotion" else graph)
    with waiting("reading") as tell:

        def progress(stage: str, done: int, total: int) -> None:
            tell(f"{stage} {done + 1} of {total}" if done < total else stage)

        summary = prepare(data_dir, out, carer=carer, hub=hub, seed=seed, progress=progress)
    _print(summary.to_markdown())
    story(f"written to {out}; next: mend train {graph}")


def _print(markdown: str) -> None:
    console = answers_console()
    if console.is_terminal:
        from rich.markdown import Markdown

        console.print(Markdown(markdown))
    else:
        typer.echo(markdown)
