"""Opens what commands need, late: nothing heavy is imported before a command really runs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendgraph.cli.console import story, waiting
from mendgraph.errors import ConfigError, MendError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from mendgraph.app import MendGraph
    from mendgraph.runtime.journal import Journal


def open_graph(
    name: str,
    *,
    config: Path | None = None,
    overrides: Sequence[str] | None = None,
    journal: Path | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> MendGraph:
    """The graph with its models; says on stderr which tiers are down."""
    kept = _journal(journal)
    with waiting("opening models"):
        graph = load_graph(name, config=config, overrides=overrides, journal=kept, checkpointer=checkpointer)
    down = [tier for tier, health in graph.health().items() if health["state"] != "up"]
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


def _journal(path: Path | None) -> Journal | None:
    if path is None:
        return None
    from mendgraph.runtime.journal import JsonLinesJournal

    try:
        journal = JsonLinesJournal(path)
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise ConfigError(f"--journal: cannot write {path}: {error.strerror}") from error
    return journal


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
