"""Lays a cascade out as a LangGraph graph: every tier, check and question is a node of its own name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from mendgraph.errors import ConfigError
from mendgraph.nodes.ask import ask_node
from mendgraph.nodes.check import check_node
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.irony import ironic, irony_node
from mendgraph.nodes.prepare import prepare_node
from mendgraph.nodes.settle import settle_node, will_ask
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node, concerns, tier_node

RESERVED = frozenset({"prepare", "irony", "combined", "settle", "ask", "user", "execute"})

Cascade = CompiledStateGraph[CascadeState, Context, Any, Any]


def build_cascade(
    name: str,
    context: Context,
    *,
    state: type[CascadeState],
    specialist: tuple[str, str] | None = None,
    then: tuple[str, Node] | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Cascade:
    """Prepare, then each tier with its check, then settle; ask and settle again where a user can answer.

    The tiers run in the order of ``context.tiers``; an irony check follows the tier ``primary`` when the policy
    has one.

    Args:
        specialist: a tier that is asked only about rows with a certain fact, and that fact.  It comes first wherever
            it stands, and is visited only when some row concerns it.
        then: a last step and its node, once every row is settled.
    """
    special, fact = specialist if specialist and specialist[0] in context.tiers else (None, None)
    tiers = _ordered(context.tiers, special)
    main = [tier for tier in tiers if tier != special]
    graph = StateGraph(state, context_schema=Context)
    graph.add_node("prepare", prepare_node(context))
    graph.add_edge(START, "prepare")
    for tier in tiers:
        last = tier == tiers[-1]
        only = fact if tier == special else None
        graph.add_node(tier, tier_node(tier, context, only=only))
        graph.add_node(f"check_{tier}", check_node(tier, context, last=last, only=only))
        graph.add_edge(tier, f"check_{tier}")
    if special is not None and fact is not None:
        graph.add_conditional_edges("prepare", _entry(special, fact, main), [special, *main[:1], "settle"])
    else:
        graph.add_conditional_edges("prepare", _next(main[0]), [main[0], "settle"])
    for tier, following in zip(tiers, [*tiers[1:], None], strict=True):
        leaving, ways = f"check_{tier}", ["settle"] if following is None else [following, "settle"]
        if tier == "primary" and context.policy.irony is not None:
            graph.add_node("irony", irony_node("primary", context, last=following is None))
            graph.add_conditional_edges(leaving, _doubtful(following, context), ["irony", *ways])
            leaving = "irony"
        if following is None:
            graph.add_edge(leaving, "settle")
        else:
            graph.add_conditional_edges(leaving, _next(following), ways)
    graph.add_node("settle", settle_node(context))
    graph.add_node("ask", ask_node(context))
    end = END
    if then is not None:
        end, node = then
        graph.add_node(end, node)
        graph.add_edge(end, END)
    graph.add_conditional_edges("settle", _after_settling(end), ["ask", end])
    graph.add_edge("ask", "settle")
    return graph.compile(checkpointer=checkpointer, name=name)


def _ordered(tiers: Iterable[str], first: str | None) -> list[str]:
    names = sorted(tiers, key=lambda tier: tier != first)
    if not names:
        raise ConfigError("tiers: a cascade needs at least one tier, got none")
    if taken := [tier for tier in names if tier in RESERVED or tier.startswith("check_")]:
        raise ConfigError(
            f"tiers: {taken[0]!r} names a step of the cascade itself", hint="give the tier another name"
        )
    return names


def _next(tier: str) -> Callable[[CascadeState], str]:
    def route(state: CascadeState) -> str:
        return tier if state["open"] else "settle"

    return route


def _doubtful(following: str | None, default: Context) -> Callable[..., str]:
    def route(state: CascadeState, runtime: Runtime[Context]) -> str:
        if ironic(state, given(runtime, default), "primary"):
            return "irony"
        return following if following is not None and state["open"] else "settle"

    return route


def _entry(special: str, fact: str, main: Sequence[str]) -> Callable[[CascadeState], str]:
    def route(state: CascadeState) -> str:
        if any(concerns(state, row, fact) for row in state["open"]):
            return special
        return main[0] if state["open"] and main else "settle"

    return route


def _after_settling(end: str) -> Callable[[CascadeState], str]:
    def route(state: CascadeState) -> str:
        return "ask" if will_ask(state) else end

    return route
