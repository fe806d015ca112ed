"""`mend train`: fine-tunes an encoder on prepared data, then fits calibration and thresholds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from mendgraph.cli import conflict_options as conflict
from mendgraph.cli import token_options as tokens
from mendgraph.cli.console import answers_console, story
from mendgraph.cli.opening import late
from mendgraph.cli.options import LANGUAGE_MODELS, ConfigFile, Overrides, TrainableName
from mendgraph.cli.own_options import given

_DATA = {
    "emotion": Path("data/processed/emotion_dataset_balanced"),
    "reflection": Path("data/processed/reflection"),
    "prompt_routing": Path("data/processed/prompt_routing"),
    "token_routing": Path("data/processed/token_routing"),
}
_MODEL = {
    "emotion": "final_model",
    "reflection": "reflection/primary",
    "prompt_routing": "prompt_routing",
}
_OTHERS = {"emotion": "", "reflection": "reflection", "prompt_routing": "prompt_routing"}
"""Where the first tier's model, and the other parts, go in models/fine_tuned."""

ROUTING = "prompt_routing"


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
            show_default="data/processed/emotion_dataset_balanced; for reflection, prompt_routing and lm: a "
            "folder of that name in data/processed",
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
            "for reflection, prompt_routing and lm: a folder of that name in models/fine_tuned",
        ),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            "--part",
            help="model (the first tier), backups (lexical, neighbours, descriptions, emoji), ensemble, or policy "
            "(calibration, combination and thresholds of the configured tiers). For reflection: model, features (the "
            "second tier), policy, or folds (the cross-validation that `mend eval reflection` reports). For "
            "prompt_routing: router, neighbours, blind, or policy. For token_routing: soft, hard, lazy, fusion (heads "
            "for that way of decoding), sequence (the router that chooses once per text), policy, or model for all. "
            "For lm: tokenizer, base (can always go on with --resume), decay (makes the base's weights from its last "
            "checkpoint), experts, cards (manifests and model cards), or model for all of them. For conflict: reader, "
            "detector (with the layer sweep), refinement, calibration (of the detector), types, or policy.",
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
    spec_file: Annotated[
        Path | None,
        typer.Option(
            "--spec-file",
            help="JSON file that says what router to train, on which data, and how; paths in it are relative to "
            "--data. See --schema.",
            metavar="FILE",
            dir_okay=False,
            rich_help_panel="prompt_routing",
        ),
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            help="Print the JSON schema of --spec-file and stop.",
            rich_help_panel="prompt_routing",
        ),
    ] = False,
    datasets: tokens.DataSets = None,
    num_epochs: tokens.NumEpochs = None,
    batch_size: tokens.BatchSize = None,
    learning_rate: tokens.LearningRate = None,
    warmup_steps: tokens.WarmupSteps = None,
    entropy_weight: tokens.EntropyWeight = None,
    load_balance_weight: tokens.LoadBalanceWeight = None,
    head_hidden_dim: tokens.HeadHiddenDim = None,
    head_dropout: tokens.HeadDropout = None,
    seed: tokens.Seed = None,
    device: tokens.Device = None,
    log_every_n_steps: tokens.LogEvery = None,
    report_to: tokens.ReportTo = None,
    max_tokens: tokens.MaxTokens = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            "--max-minutes",
            min=0.1,
            help="Wall-clock limit; the schedule ends with it.",
            rich_help_panel="lm and conflict",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=1, help="Optimizer steps of each run.", rich_help_panel="lm and conflict"
        ),
    ] = None,
    full_experts: Annotated[
        bool,
        typer.Option(
            "--full-experts", help="Experts as full models instead of adapters.", rich_help_panel="lm"
        ),
    ] = False,
    base: conflict.Base = None,
    reader: conflict.ReaderModel = None,
    lora: conflict.Lora = False,
    layer: conflict.Layer = None,
    gated: conflict.Gated = False,
    single_shot: conflict.SingleShot = False,
    all_levels: conflict.AllLevels = False,
) -> None:
    """Train one part of a graph on prepared data.

    The model is a LoRA adapter with its heads, stopped early on the dev set's macro-F1; its folder holds the
    adapter, tokenizer, training_config.json, metrics.json, a confusion matrix, a reliability diagram, a
    calibration and a manifest. Every part says which configuration line puts it to use. Interrupted with
    Ctrl-C, training goes on with --resume.

    `lm` trains the embedded language models from scratch: tokenizer, base model, experts. It takes what time it is
    given: on a GPU minutes, on one CPU core hours, which may be spread over days. It prints bits per byte, models by
    domains.

    `conflict` trains what reads documents and finds where they contradict each other: a reader first, then a
    detector and a refinement on its hidden states.

    > mend train emotion

    > mend train emotion --config examples/distilbert.yaml

    > mend train emotion --part policy --set emotion.tiers.primary.path=models/fine_tuned/final_model

    > mend train reflection

    > mend train reflection --part folds --data downloads/

    > mend train prompt_routing --spec-file examples/prompt_routing/lora.json --data downloads/

    > mend train token_routing --part soft --num-epochs 5

    > mend train lm --max-minutes 480

    > mend train lm --part base --resume --max-minutes 240

    > mend train conflict --part reader --max-minutes 40

    > mend train conflict --part detector
    """
    flags: dict[str, Any] = {
        "datasets": datasets,
        "num_epochs": num_epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "warmup_steps": warmup_steps,
        "entropy_weight": entropy_weight,
        "load_balance_weight": load_balance_weight,
        "head_hidden_dim": head_hidden_dim,
        "head_dropout": head_dropout,
        "seed": seed,
        "device": device,
        "log_every_n_steps": log_every_n_steps,
        "report_to": report_to,
        "max_tokens": max_tokens,
    }
    own: dict[str, Any] = {
        "base": base,
        "reader": reader,
        "lora": lora,
        "layer": layer,
        "gated": gated,
        "single_shot": single_shot,
        "all_levels": all_levels,
    }
    if graph == conflict.GRAPH:
        own |= {name: flags.pop(name) for name in conflict.SHARED}
    flags = given(flags, graph, tokens.GRAPH)
    own = given(own, graph, conflict.GRAPH)
    if schema or spec_file is not None:
        _only_for_routing(graph)
    if schema:
        described = late("mendgraph.training.prompt_routing.data_specs", "spec_schema", extra="train")()
        answers_console().print(json.dumps(described, indent=2), soft_wrap=True)
        return
    if graph == LANGUAGE_MODELS:
        _train_lm(part, data, out, max_minutes, steps, full_experts, resume)
        return
    if graph == conflict.GRAPH and part == conflict.POLICY:
        conflict.train_policy(config, overrides or (), data, out, risk)
        return
    if graph == conflict.GRAPH:
        conflict.train_part(part, data, out, own, minutes=max_minutes, steps=steps, resume=resume)
        return
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides or ()))
    if graph == tokens.GRAPH:
        tokens.train_heads(settings, part, data or _DATA[graph], out, flags)
        return
    make = late(f"mendgraph.training.{graph}.recipe", "make", extra="train")
    open_tiers = late("mendgraph.assembly", "tiers_of", extra="train")
    folder = out or Path("models/fine_tuned") / (_MODEL if part == "model" else _OTHERS)[graph]
    more = {} if spec_file is None else {"spec_file": spec_file}
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
            **more,
        )
    except KeyboardInterrupt:
        story(f"training stopped; go on with: mend train {graph} --part {part} --out {folder} --resume")
        raise


def _only_for_routing(graph: str) -> None:
    if graph != ROUTING:
        raise typer.BadParameter(f"--spec-file and --schema are for {ROUTING}, not for {graph}")


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
        table = run(
            part,
            data or Path("data/processed/lm"),
            folder,
            options(minutes=minutes, steps=steps, full=full, resume=resume),
            echo=story,
        )
    except KeyboardInterrupt:
        story(f"training stopped; go on with: mend train lm --part {part} --out {folder} --resume")
        raise
    if table:
        typer.echo(table)
