"""`mend train`: fine-tunes an encoder on prepared data, then fits calibration and thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mendgraph.cli.console import story
from mendgraph.cli.opening import late
from mendgraph.cli.options import ConfigFile, GraphName, Overrides


def train(
    graph: GraphName,
    config: ConfigFile = None,
    overrides: Overrides = None,
    data: Annotated[
        Path, typer.Option("--data", help="What `mend data` wrote.", metavar="DIR", file_okay=False)
    ] = Path("data/processed/emotion_dataset_balanced"),
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where it goes.",
            metavar="DIR",
            file_okay=False,
            show_default="models/fine_tuned/final_model; the other parts: models/fine_tuned",
        ),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            "--part",
            help="model (the first tier), backups (lexical, neighbours, descriptions, emoji), ensemble, or policy "
            "(calibration, combination and thresholds of the configured tiers).",
        ),
    ] = "model",
    risk: Annotated[
        float,
        typer.Option(
            "--risk",
            min=0.0,
            max=1.0,
            help="For the policy: share of the accepted answers that may be wrong.",
        ),
    ] = 0.1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")
    ] = False,
) -> None:
    """Train one part of a graph on prepared data.

    The model is a LoRA adapter with its heads, stopped early on the dev set's macro-F1; its folder holds the
    adapter, tokenizer, training_config.json, metrics.json, a confusion matrix, a reliability diagram, a
    calibration and a manifest. Every part says which configuration line puts it to use. Interrupted with
    Ctrl-C, training goes on with --resume.

    > mend train emotion

    > mend train emotion --config examples/distilbert.yaml

    > mend train emotion --part policy --set emotion.tiers.primary.path=models/fine_tuned/final_model
    """
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    make = late(f"mendgraph.training.{graph}.recipe", "make", extra="train")
    open_tiers = late("mendgraph.assembly", "tiers_of", extra="train")
    folder = out or Path("models/fine_tuned") / ("final_model" if part == "model" else "")
    try:
        make(part, settings, data, folder, open_tiers=open_tiers, resume=resume, risk=risk, echo=story)
    except KeyboardInterrupt:
        story(f"training stopped; go on with: mend train {graph} --part {part} --out {folder} --resume")
        raise
