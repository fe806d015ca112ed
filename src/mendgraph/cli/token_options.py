"""What `mend train token_routing` and `mend eval token_routing` take; names as in the reference document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mendgraph.cli.console import story, waiting
from mendgraph.cli.opening import late

if TYPE_CHECKING:
    from mendgraph.config import Config

GRAPH = "token_routing"
PANEL = "token_routing"

DataSets = Annotated[
    list[str] | None,
    typer.Option(
        "--datasets",
        help="What it learns from: heldout (text that no expert was trained on), gsm8k, medqa, boolq. Repeatable.",
        metavar="NAME",
        show_default="heldout",
        rich_help_panel=PANEL,
    ),
]
NumEpochs = Annotated[
    int | None, typer.Option("--num-epochs", help="Passes over the passages.", min=1, rich_help_panel=PANEL)
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", help="Passages per step.", min=1, rich_help_panel=PANEL)
]
LearningRate = Annotated[
    float | None, typer.Option("--learning-rate", help="Peak; falls along a cosine.", rich_help_panel=PANEL)
]
WarmupSteps = Annotated[
    int | None, typer.Option("--warmup-steps", help="Of the learning rate.", min=0, rich_help_panel=PANEL)
]
EntropyWeight = Annotated[
    float | None,
    typer.Option(
        "--entropy-weight",
        help="Reward for spread weights at every token; works against specialisation.",
        rich_help_panel=PANEL,
    ),
]
LoadBalanceWeight = Annotated[
    float | None,
    typer.Option(
        "--load-balance-weight",
        help="Penalty for experts that a batch leaves idle.",
        min=0.0,
        rich_help_panel=PANEL,
    ),
]
HeadHiddenDim = Annotated[
    int | None,
    typer.Option(
        "--head-hidden-dim", help="Width of a head; the next is half.", min=1, rich_help_panel=PANEL
    ),
]
HeadDropout = Annotated[
    float | None, typer.Option("--head-dropout", help="In the heads.", min=0.0, rich_help_panel=PANEL)
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Of weights, order and dropout.", rich_help_panel=PANEL)
]
Device = Annotated[
    str | None, typer.Option("--device", help="auto, cpu, cuda or mps.", rich_help_panel=PANEL)
]
LogEvery = Annotated[
    int | None,
    typer.Option(
        "--log-every-n-steps", help="Steps between two lines of the log.", min=1, rich_help_panel=PANEL
    ),
]
ReportTo = Annotated[
    str | None,
    typer.Option(
        "--report-to",
        help="Where else metrics go: tensorboard, trackio, wandb, mlflow; each needs its own package.",
        rich_help_panel=PANEL,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        help="Tokens of training passages; bounds time and memory.",
        min=1,
        rich_help_panel=PANEL,
    ),
]

SampleSize = Annotated[
    int | None,
    typer.Option("--sample-size", help="Questions of each benchmark.", min=1, rich_help_panel=PANEL),
]
OnlyEnsemble = Annotated[
    bool,
    typer.Option(
        "--only-ensemble", help="Leave the single experts out of the benchmarks.", rich_help_panel=PANEL
    ),
]
MaxNewTokens = Annotated[
    int | None,
    typer.Option("--max-new-tokens", help="Of a written answer.", min=1, rich_help_panel=PANEL),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        help="Of written answers; 0 takes the likeliest token.",
        min=0.0,
        rich_help_panel=PANEL,
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--model-weights",
        help="Heads of one mode instead of the configured ones: a folder, or a published best_model_heads.pt.",
        metavar="PATH",
        rich_help_panel=PANEL,
    ),
]
Examples = Annotated[
    Path | None,
    typer.Option(
        "--save-examples",
        help="Write answers as JSON lines and as pages coloured by expert.",
        metavar="DIR",
        file_okay=False,
        rich_help_panel=PANEL,
    ),
]
NumExamples = Annotated[
    int | None,
    typer.Option("--num-examples", help="Saved per system.", min=1, rich_help_panel=PANEL),
]
Passages = Annotated[
    Path | None,
    typer.Option(
        "--passages",
        help="What `mend data token_routing` wrote.",
        metavar="DIR",
        file_okay=False,
        show_default="data/processed/token_routing",
        rich_help_panel=PANEL,
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Four of everything, and every written answer told.", rich_help_panel=PANEL),
]


def train_heads(config: Config, part: str, data: Path, out: Path | None, options: dict[str, Any]) -> None:
    make = late("mendgraph.training.token_routing.recipe", "make", extra="train")
    chosen = late("mendgraph.training.token_routing.recipe", "configured", extra="train")
    folder = out or Path("models/fine_tuned/token_routing")
    with waiting("opening experts") as tell:

        def progress(stage: str, done: int, total: int) -> None:
            tell(stage)

        make(
            part,
            data,
            folder,
            chosen(config.token_routing, options),
            echo=story,
            progress=progress,
        )
    story(f"to use it: token_routing: {{heads: {folder}, policy: {folder / 'policy'}}}")


def measuring(options: Mapping[str, Any], tell: Callable[[str], None]) -> dict[str, Any]:
    """What `mendgraph.evaluation.token_routing.evaluate` takes beside what every evaluation does."""
    places = {"passages": "passages", "model_weights": "weights", "save_examples": "examples"}
    sizes = {name: value for name, value in options.items() if name not in places}

    def progress(stage: str, done: int, total: int) -> None:
        tell(f"experts read {done:,} of {total:,} tokens")

    return {
        **{name: options[option] for option, name in places.items() if option in options},
        "sizes": late("mendgraph.evaluation.token_routing.measure", "Sizes", extra="train")(**sizes),
        "progress": progress,
    }
