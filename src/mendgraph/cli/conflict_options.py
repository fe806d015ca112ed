"""What only `mend train conflict` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mendgraph.cli.console import story, waiting
from mendgraph.cli.opening import late

GRAPH = "conflict"
POLICY = "policy"
PANEL = "conflict"
SHARED = ("learning_rate", "batch_size", "seed", "device")
"""Options of other graphs that mean the same here."""

Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        help="For the reader: folder of the causal language model that it is made from.",
        metavar="DIR",
        show_default="embedded:lm/base",
        rich_help_panel=PANEL,
    ),
]
ReaderModel = Annotated[
    str | None,
    typer.Option(
        "--reader",
        help="For detector and refinement: folder or hub name of the reader.",
        metavar="MODEL",
        show_default="the one in --out",
        rich_help_panel=PANEL,
    ),
]
Lora = Annotated[
    bool,
    typer.Option("--lora", help="The reader as an adapter instead of all weights.", rich_help_panel=PANEL),
]
Layer = Annotated[
    int | None,
    typer.Option(
        "--layer",
        min=0,
        help="Layer whose states detector and refinement work on, from 0.",
        show_default="the best of the sweep",
        rich_help_panel=PANEL,
    ),
]
Gated = Annotated[
    bool,
    typer.Option("--gated", help="Weigh each token's refinement by a gate.", rich_help_panel=PANEL),
]
SingleShot = Annotated[
    bool, typer.Option("--single-shot", help="Refine once instead of up to 3 times.", rich_help_panel=PANEL)
]
AllLevels = Annotated[
    bool,
    typer.Option(
        "--all-levels",
        help="Train the refinement on every set, not only on temporal and numerical conflicts.",
        rich_help_panel=PANEL,
    ),
]


def train_part(
    part: str,
    data: Path | None,
    out: Path | None,
    options: Mapping[str, Any],
    *,
    minutes: float | None,
    steps: int | None,
    resume: bool,
) -> None:
    """One part, or with ``model`` reader, detector and refinement."""
    make = late("mendgraph.training.conflict.recipe", "make", extra="train")
    build = late("mendgraph.training.conflict.recipe", "options_from", extra="train")
    folder = out or Path("models/fine_tuned/conflict")
    source = data or Path("data/processed/conflict")
    try:
        with waiting("opening") as tell:

            def progress(stage: str, done: int, total: int) -> None:
                tell(f"{stage} {done:,} of {total:,}")

            make(
                part,
                source,
                folder,
                build(options, minutes=minutes, steps=steps, resume=resume),
                echo=story,
                progress=progress,
            )
    except KeyboardInterrupt:
        story(f"training stopped; go on with: mend train conflict --part {part} --out {folder} --resume")
        raise


def train_policy(
    config: Path | None,
    overrides: Sequence[str],
    data: Path | None,
    out: Path | None,
    risk: float,
) -> None:
    """Calibration and thresholds of the configured tiers."""
    fit = late("mendgraph.training.conflict.policy_fit", "train_policy", extra="train")
    open_tiers = late("mendgraph.assembly", "tiers_of", extra="train")
    ways_of = late("mendgraph.conflict", "ways_of", extra="train")
    from mendgraph.config import load_config

    settings = load_config(config, tuple(overrides))
    folder = (out or Path("models/fine_tuned/conflict")) / POLICY
    with waiting("opening") as tell:
        tiers = open_tiers(settings, GRAPH)
        fitted = fit(
            tiers,
            data or Path("data/processed/conflict"),
            folder,
            ways=ways_of(settings.conflict),
            risk=risk,
            progress=lambda done, total: tell(f"{done:,} of {total:,} claim sets"),
        )
    for line in fitted:
        story(line)
    story(f"ready: {folder}")
