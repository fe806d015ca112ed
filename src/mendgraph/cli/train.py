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
        Path, typer.Option("--out", help="Where the trained model goes.", metavar="DIR", file_okay=False)
    ] = Path("models/fine_tuned/final_model"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
) -> None:
    """Train a LoRA adapter and its head; early stopping on the dev set's macro-F1.

    Writes the adapter, tokenizer, training_config.json, metrics.json, a confusion matrix, a reliability
    diagram, calibration, thresholds and a manifest, and says which configuration line puts the new model to
    use. Interrupted with Ctrl-C, it goes on with --resume.

    [dim]mend train emotion[/dim]

    [dim]mend train emotion --set model.name=distilbert-base-uncased --set "lora.target_modules=[q_lin, v_lin]"[/dim]
    """
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    fit = late(f"mendgraph.training.{graph}.train", "train", extra="train")
    try:
        fit(settings, data, out, resume=resume, echo=story)
    except KeyboardInterrupt:
        story(f"training stopped; go on with: mend train {graph} --out {out} --resume")
        raise
