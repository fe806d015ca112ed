"""What `mend run token_routing` takes beside prompts: who writes, how much, and how tokens are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

GRAPH = "token_routing"
PANEL = "Token routing"

Mode = Annotated[
    str | None,
    typer.Option(
        "--mode",
        help="How the experts share the writing: soft, hard, lazy or fusion.",
        metavar="MODE",
        rich_help_panel=PANEL,
    ),
]
Force = Annotated[
    str | None,
    typer.Option(
        "--force", help="An expert that writes everything.", metavar="EXPERT", rich_help_panel=PANEL
    ),
]
MaxNewTokens = Annotated[
    int | None, typer.Option("--max-new-tokens", help="Most tokens of a text.", min=1, rich_help_panel=PANEL)
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature", help="Of the draw; 0 takes the likeliest token.", min=0.0, rich_help_panel=PANEL
    ),
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p", help="Draw from the likeliest tokens that make up so much.", rich_help_panel=PANEL
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k",
        help="Draw from so many of the likeliest tokens; conflict: documents to look up.",
        min=0,
        rich_help_panel=PANEL,
    ),
]
Stop = Annotated[
    list[str] | None,
    typer.Option(
        "--stop", help="A text that ends the answer. Repeatable.", metavar="TEXT", rich_help_panel=PANEL
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", help="Of the draw.", min=0, rich_help_panel=PANEL)]


def ways_of(graph: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were given.

    Raises:
        BadParameter: the graph does not write.
    """
    found = {name: value for name, value in given.items() if value not in (None, [])}
    if found and graph != GRAPH:
        option = next(iter(found)).replace("_", "-")
        raise typer.BadParameter(f"--{option} belongs to {GRAPH}, not to {graph}")
    return found


def with_ways_of(rows: Sequence[object], ways: Mapping[str, Any]) -> Sequence[object]:
    """As `mendgraph.token_routing.with_ways`, which is imported when it is needed."""
    if not ways:
        return rows
    found: list[object] = import_module("mendgraph.token_routing").with_ways(rows, ways)
    return found
