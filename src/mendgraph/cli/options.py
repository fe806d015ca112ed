"""Arguments and options that several commands share."""

from __future__ import annotations

import pkgutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import mendgraph
from mendgraph.errors import UnknownNameError


class TextChoice(StrEnum):
    """How a journal keeps the texts; see `SqliteJournal`."""

    stored = "stored"
    hashed = "hashed"
    omitted = "omitted"


def known_graphs() -> list[str]:
    """Names of the graphs that come with the package, found without importing them."""
    folders = [str(Path(folder) / "graphs") for folder in mendgraph.__path__]
    return sorted(module.name for module in pkgutil.iter_modules(folders))


LANGUAGE_MODELS = "lm"
"""What `mend data` and `mend train` take beside the graphs: the language models that token routing runs on."""


def trainable() -> list[str]:
    """Graphs, and the language models beneath."""
    return sorted([*known_graphs(), LANGUAGE_MODELS])


def _trainable(name: str) -> str:
    if name not in trainable():
        raise typer.BadParameter(str(UnknownNameError("graph", name, trainable())))
    return name


def _known(name: str) -> str:
    graphs = known_graphs()
    if name not in graphs:
        raise typer.BadParameter(str(UnknownNameError("graph", name, graphs)))
    return name


GraphName = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="Which graph, e.g. emotion.",
        callback=_known,
        autocompletion=known_graphs,
        show_default=False,
    ),
]
TrainableName = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="Which graph, e.g. emotion; or lm, the embedded language models.",
        callback=_trainable,
        autocompletion=trainable,
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Your configuration; it needs only what differs from the defaults.",
        metavar="FILE",
        rich_help_panel="Configuration",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="One setting on top of the configuration, e.g. emotion.device=cpu. Repeatable.",
        metavar="KEY=VALUE",
        rich_help_panel="Configuration",
    ),
]
Down = Annotated[
    list[str] | None,
    typer.Option(
        "--down", help="Treat this tier as dead and watch the graph heal. Repeatable.", metavar="TIER"
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        help="Confidence every check asks for, instead of the fitted thresholds.",
        min=0.0,
        max=1.0,
    ),
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        help="Seconds the tiers may take; rows still open then keep their best answer so far, marked partial.",
        min=0.0,
        metavar="SECONDS",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--budget",
        help="What the tiers may cost together, in the unit of `cost` in the configuration; as --deadline.",
        min=0.0,
        metavar="COST",
    ),
]
JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        help="Record every run in FILE.sqlite, durably and in full; or every answer in FILE.jsonl, as a line.",
        metavar="FILE",
        dir_okay=False,
        rich_help_panel="Journal",
    ),
]
JournalText = Annotated[
    TextChoice | None,
    typer.Option(
        "--journal-text",
        help="How a new FILE.sqlite keeps the texts; without them nothing that may quote one is kept either.",
        rich_help_panel="Journal",
    ),
]
Recorded = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        help="The journal, FILE.sqlite.",
        metavar="FILE",
        dir_okay=False,
        show_default="journal.sqlite in the home folder",
    ),
]

PAIRS = "Pairs and conversations"
PromptText = Annotated[
    str | None,
    typer.Option(
        "--prompt",
        help="What the client said; for prompt_routing the prompt.",
        metavar="TEXT",
        rich_help_panel=PAIRS,
        show_default=False,
    ),
]
ResponseText = Annotated[
    str | None,
    typer.Option(
        "--response",
        help="What the counsellor answered.",
        metavar="TEXT",
        rich_help_panel=PAIRS,
        show_default=False,
    ),
]
PlotFile = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        help="Draw a conversation's scores as a PNG file (needs the extra 'viz').",
        metavar="FILE",
        dir_okay=False,
        rich_help_panel=PAIRS,
    ),
]
Speakers = Annotated[
    list[str] | None,
    typer.Option(
        "--speaker",
        help="Who is client or counsellor, where the name does not say it, e.g. Ann=client. Repeatable.",
        metavar="NAME=ROLE",
        rich_help_panel=PAIRS,
    ),
]
