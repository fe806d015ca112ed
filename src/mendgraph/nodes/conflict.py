"""Lays out the conflict graph: documents, whether they conflict and how, and an answer that takes it into account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from mendgraph.core.conflict_case import Case
from mendgraph.core.conflict_stages import Ways, roles
from mendgraph.errors import ConfigError
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.conflict_answering import check_answer_node, draft_node, verify_node
from mendgraph.nodes.conflict_finding import (
    Shelf,
    check_conflict_node,
    detect_node,
    retrieve_node,
    type_node,
)
from mendgraph.nodes.conflict_settle import settle_conflict_node
from mendgraph.nodes.context import Context
from mendgraph.nodes.prepare import prepare_node
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node

__all__ = ["STEPS", "ConflictState", "build_conflict"]

STEPS: Final = ("detect", "check_conflict", "answer", "type", "refine", "check_answer", "verify")
"""In the order in which a batch goes through them; each serves the rows that wait for it."""

_WAYS_ON: Final = {
    "detect": ("check_conflict", "answer", "verify"),
    "check_conflict": ("answer", "type", "verify"),
    "answer": ("type", "check_answer", "verify"),
    "type": ("refine", "check_answer", "verify"),
    "refine": ("check_answer", "verify"),
    "check_answer": ("verify", "settle"),
}
"""Step -> those that may come next, for some row of the batch."""


class ConflictState(CascadeState):
    """What a run remembers beside the rest.

    Keys:
        cases: per row, what is known of it: `Case.to_dict`; None where it could not be read.
    """

    cases: list[dict[str, Any] | None]


def build_conflict(
    name: str,
    context: Context,
    *,
    state: type[CascadeState],
    ways: Ways | None = None,
    shelf: Shelf | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Cascade:
    """Tiers are asked by their roles; see `core.conflict_stages.roles`.

    Raises:
        ConfigError: no tier reads.
    """
    if not roles(tuple(context.tiers))["readers"]:
        raise ConfigError(
            "tiers: the conflict graph needs a tier that reads, got none",
            hint="name it reader; tiers named types and values have other tasks",
        )
    ways, shelf = ways or Ways(), shelf or Shelf()
    nodes: dict[str, Node] = {
        "detect": detect_node(context),
        "check_conflict": check_conflict_node(context),
        "answer": draft_node("answer", context),
        "type": type_node(context, ways),
        "refine": draft_node("refine", context),
        "check_answer": check_answer_node(context),
        "verify": verify_node(context, ways),
    }
    graph = StateGraph(state, context_schema=Context)
    graph.add_node("preprocess", _preprocess_node(context))
    graph.add_node("retrieve", retrieve_node(context, shelf))
    for step, node in nodes.items():
        graph.add_node(step, node)
    graph.add_node("settle", settle_conflict_node(context))
    graph.add_edge(START, "preprocess")
    graph.add_edge("preprocess", "retrieve")
    graph.add_conditional_edges("retrieve", _next(("detect", "settle")), ["detect", "settle"])
    for step, following in _WAYS_ON.items():
        graph.add_conditional_edges(step, _next(following), list(following))
    graph.add_edge("verify", "settle")
    graph.add_edge("settle", END)
    return graph.compile(checkpointer=checkpointer, name=name)


def _next(following: tuple[str, ...]) -> Callable[[Any], str]:
    """The first step that some row waits for."""

    def route(state: Any) -> str:
        waiting = {state["cases"][row]["next"] for row in state["open"]}
        return next((step for step in following if step in waiting), following[-1])

    return route


def _preprocess_node(default: Context) -> Node:
    prepare = prepare_node(default)

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        update = prepare(state, runtime)
        cases = [None if row is None else Case().to_dict() for row in update["rows"]]
        return {**update, "cases": cases}

    return run
