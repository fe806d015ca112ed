"""Opens what commands need, late: nothing heavy is imported before a command really runs."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendgraph.cli.console import story, waiting
from mendgraph.cli.journals import open_journal
from mendgraph.errors import MendError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from mendgraph.app import MendGraph


def open_graph(
    name: str,
    *,
    config: Path | None = None,
    overrides: Sequence[str] | None = None,
    journal: Path | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    **more: Any,
) -> MendGraph:
    """The graph with its models; says on stderr which tiers are down."""
    kept = open_journal(journal) if journal else None
    with waiting("opening models"):
        graph = load_graph(
            name, config=config, overrides=overrides, journal=kept, checkpointer=checkpointer, **more
        )
    if kept is not None:
        weakref.finalize(graph, kept.close)  # it was opened for this graph alone
    down = [tier for tier, health in graph.health().items() if health["state"] == "down"]
    if down:
        count = f"{len(down)} of {len(graph.tiers)} tiers"
        story(f"note: {count} are down ({', '.join(down)}); `mend doctor` says why")
    return graph


def load_graph(name: str, *, overrides: Sequence[str] | None = None, **given: Any) -> MendGraph:
    """`mendgraph.load`, imported when it is needed."""
    graph: MendGraph = import_module("mendgraph.assembly").load(
        name, overrides=tuple(overrides or ()), **given
    )
    return graph


def waiting_for_nobody(graph: MendGraph, ask: str | None) -> str | None:
    """A command cannot wait for the user: a configured ``interrupt`` becomes ``return``."""
    if ask is not None:
        return ask
    return "return" if graph.context.ask == "interrupt" else None


def fields_of(graph: str) -> tuple[str, ...]:
    """What a row of a graph is made of, known without opening a model; one name where a row is a text."""
    fields: tuple[str, ...] = import_module(f"mendgraph.graphs.{graph}").FIELDS
    return fields


def options_of(graph: str) -> tuple[str, ...]:
    """What a row may bring along beside its fields."""
    options: tuple[str, ...] = getattr(import_module(f"mendgraph.graphs.{graph}"), "OPTIONS", ())
    return options


def example_of(graph: str) -> Any:
    """A row to try a graph with."""
    return import_module(f"mendgraph.graphs.{graph}").EXAMPLE


def learning_hint(graph: str) -> str:
    """What becomes of corrections, as the end of a sentence."""
    known = find_spec(f"mendgraph.training.{graph}.learn") is not None
    return f", `mend learn {graph}` uses them" if known else ""


def figures_of(graph: str) -> tuple[str, ...]:
    """Names of the numbers in a graph's `Answer.value` that a table shows beside the label."""
    figures: tuple[str, ...] = import_module(f"mendgraph.graphs.{graph}").FIGURES
    return figures


def late(module: str, name: str, *, extra: str) -> Any:
    """A function of a module that needs optional packages.

    Raises:
        MendError: one of them is missing; the hint names the extra that brings it.
    """
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "mendgraph":
            raise
        raise MendError(
            f"this needs the package {error.name!r}, which is not installed",
            hint=f"pip install 'mendgraph[{extra}]'",
        ) from error
