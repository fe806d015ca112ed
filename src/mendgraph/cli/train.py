"""`mend train`: fine-tunes an encoder on prepared data, then fits calibration and thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mendgraph.cli.console import story
from mendgraph.cli.opening import late
from mendgraph.cli.options import LANGUAGE_MODELS, ConfigFile, Overrides, TrainableName

_DATA = {
    "emotion": Path("data/processed/emotion_dataset_balanced"),
    "reflection": Path("data/processed/reflection"),
}
_MODEL = {"emotion": "final_model", "reflection": "reflection/primary"}
_OTHERS = {"emotion": "", "reflection": "reflection"}
"""Where the first tier's model, and the other parts, go in models/fine_tuned."""


def train(
    graph: TrainableName,
    config: ConfigFile = None,
    overrides: Overrides = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="What `mend data` wrote.",
            metavar="DIR",
            file_okay=False,
            show_default="data/processed/emotion_dataset_balanced; for reflection and lm: a folder of that "
            "name in data/processed",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where it goes.",
            metavar="DIR",
            file_okay=False,
            show_default="models/fine_tuned/final_model; the other parts: models/fine_tuned; "
            "for reflection and lm: a folder of that name in models/fine_tuned",
        ),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            "--part",
            help="model (the first tier), backups (lexical, neighbours, descriptions, emoji), ensemble, or policy "
            "(calibration, combination and thresholds of the configured tiers). For reflection: model, features (the "
            "second tier), policy, or folds (the cross-validation that `mend eval reflection` reports). "
            "For lm: tokenizer, base, experts, cards (manifests and model cards), or model for all of them.",
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
    max_minutes: Annotated[
        float | None,
        typer.Option(
            "--max-minutes",
            min=0.1,
            help="Wall-clock limit; the schedule ends with it.",
            rich_help_panel="lm",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Optimizer steps of each run.", rich_help_panel="lm"),
    ] = None,
    full_experts: Annotated[
        bool,
        typer.Option(
            "--full-experts", help="Experts as full models instead of adapters.", rich_help_panel="lm"
        ),
    ] = False,
) -> None:
    """Train one part of a graph on prepared data.

    The model is a LoRA adapter with its heads, stopped early on the dev set's macro-F1; its folder holds the
    adapter, tokenizer, training_config.json, metrics.json, a confusion matrix, a reliability diagram, a
    calibration and a manifest. Every part says which configuration line puts it to use. Interrupted with
    Ctrl-C, training goes on with --resume.

    `lm` trains the embedded language models from scratch: tokenizer, base model, experts. It takes what time it is
    given; on two CPU cores a night, on a GPU minutes.

    > mend train emotion

    > mend train emotion --config examples/distilbert.yaml

    > mend train emotion --part policy --set emotion.tiers.primary.path=models/fine_tuned/final_model

    > mend train reflection

    > mend train reflection --part folds --data downloads/

    > mend train lm --max-minutes 480
    """
    if graph == LANGUAGE_MODELS:
        _train_lm(part, data, out, max_minutes, steps, full_experts, resume)
        return
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    make = late(f"mendgraph.training.{graph}.recipe", "make", extra="train")
    open_tiers = late("mendgraph.assembly", "tiers_of", extra="train")
    folder = out or Path("models/fine_tuned") / (_MODEL if part == "model" else _OTHERS)[graph]
    try:
        make(
            part,
            settings,
            data or _DATA[graph],
            folder,
            open_tiers=open_tiers,
            resume=resume,
            risk=risk,
            echo=story,
        )
    except KeyboardInterrupt:
        story(f"training stopped; go on with: mend train {graph} --part {part} --out {folder} --resume")
        raise


def _train_lm(
    part: str,
    data: Path | None,
    out: Path | None,
    minutes: float | None,
    steps: int | None,
    full: bool,
    resume: bool,
) -> None:
    run = late("mendgraph.training.lm.command", "train_lm", extra="train")
    options = late("mendgraph.training.lm.recipe", "Options", extra="train")
    folder = out or Path("models/fine_tuned/lm")
    try:
        run(
            part,
            data or Path("data/processed/lm"),
            folder,
            options(minutes=minutes, steps=steps, full=full, resume=resume),
            echo=story,
        )
    except KeyboardInterrupt:
        story(f"training stopped; go on with: mend train lm --part {part} --out {folder} --resume")
        raise
