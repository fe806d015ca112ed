"""What `mend run prompt_routing` takes beside prompts: a budget, LLMs to leave out, and whether to call one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mendgraph.app import MendGraph

GRAPH = "prompt_routing"
PANEL = "Prompt routing"

MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        help="Most $ for one prompt and its answer.",
        min=0.0,
        metavar="$",
        rich_help_panel=PANEL,
    ),
]
CostWeight = Annotated[
    float | None,
    typer.Option(
        "--lambda",
        help="Expected quality (0 to 1) that one $ is worth: with 100, $0.0001 less makes up for .01 less quality.",
        min=0.0,
        metavar="QUALITY",
        rich_help_panel=PANEL,
    ),
]
MaxLatency = Annotated[
    float | None,
    typer.Option(
        "--max-latency",
        help="Most seconds an LLM may take; those without latency_s in the configuration are left out.",
        min=0.0,
        metavar="SECONDS",
        rich_help_panel=PANEL,
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", help="An LLM not to choose. Repeatable.", metavar="LLM", rich_help_panel=PANEL),
]
Execute = Annotated[
    bool,
    typer.Option(
        "--execute",
        help="Have the chosen LLM answer the prompt, or else the runner-up; needs an endpoint in the configuration.",
        rich_help_panel=PANEL,
    ),
]


def terms_of(
    graph: str,
    max_cost: float | None,
    cost_weight: float | None,
    max_latency: float | None,
    without: Sequence[str] | None,
    execute: bool,
) -> dict[str, Any]:
    """Those that were given, under the names that a row has for them.

    Raises:
        BadParameter: the graph does not choose among LLMs.
    """
    options = {
        "--max-cost": ("max_cost", max_cost),
        "--lambda": ("lambda", cost_weight),
        "--max-latency": ("max_latency_s", max_latency),
        "--without": ("down", list(without) if without else None),
    }
    given = [option for option, (_, value) in options.items() if value is not None]
    if graph != GRAPH and (given or execute):
        raise typer.BadParameter(f"{(given or ['--execute'])[0]} belongs to {GRAPH}, not to {graph}")
    return {name: value for name, value in options.values() if value is not None}


def with_terms_of(rows: Sequence[object], terms: Mapping[str, Any]) -> Sequence[object]:
    """As `mendgraph.prompt_routing.with_terms`, which is imported when it is needed."""
    if not terms:
        return rows
    found: list[object] = import_module("mendgraph.prompt_routing").with_terms(rows, terms)
    return found


def executing(graph: MendGraph) -> Callable[..., Iterator[dict[str, Any]]]:
    """As the graph's `stream`, with a last step in which LLMs are called.

    Raises:
        ConfigError: none has an endpoint.
    """
    runnable: Any = getattr(graph, "executing")  # noqa: B009 - only this graph has it, which `terms_of` has checked

    def stream(rows: Sequence[object], **options: Any) -> Iterator[dict[str, Any]]:
        yield from runnable.stream(graph.request(rows, **options), stream_mode="custom")

    return stream
