"""P2: what a run costs beyond its forward pass, against a plain LangGraph graph of the same five nodes.

The plain graph does no work at all: its nodes hand on a constant of the shape that ours write.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from langgraph.graph import END, START, StateGraph

from benchmarks.cascades import settled_by
from benchmarks.harness import Goal, figure, interleaved, machine, report, summary
from benchmarks.texts import mixed_lengths
from mendgraph.core.preprocess import prepare
from mendgraph.nodes.state import CascadeState
from mendgraph.testing import Scripted

NODES = ("prepare", "primary", "check_primary", "irony", "settle")
KEYS = {
    "prepare": "rows",
    "primary": "trails",
    "check_primary": "trails",
    "irony": "trails",
    "settle": "answers",
}


def plain_graph(finished: dict[str, Any]) -> Any:
    """The same five nodes and the same routing, over the state that a finished run left behind."""

    def handing_on(key: str) -> Any:
        def node(state: CascadeState) -> dict[str, Any]:
            return {key: finished[key]}

        return node

    graph = StateGraph(CascadeState)
    for name in NODES:
        graph.add_node(name, handing_on(KEYS[name]))
    graph.add_edge(START, "prepare")
    graph.add_conditional_edges("prepare", lambda state: "primary", ["primary", "settle"])
    graph.add_edge("primary", "check_primary")
    graph.add_edge("check_primary", "irony")
    graph.add_conditional_edges("irony", lambda state: "settle", ["settle", "prepare"])
    graph.add_conditional_edges("settle", lambda state: END, ["prepare", END])
    return graph.compile()


def main(repeats: int = 500) -> None:
    before = machine()
    texts = mixed_lengths(repeats)
    rows = [prepare(text) for text in texts]
    tier = Scripted({}, otherwise="joy")
    graph, whole = settled_by(tier, backups=0), settled_by(tier)
    finished = graph.graph.invoke(graph.request(texts[0], threshold=0.0))
    plain = plain_graph(finished)
    taken = interleaved(
        {
            "run": lambda number: graph.run(texts[number], threshold=0.0),
            "forward": lambda number: tier.predict([rows[number]]),
            "all tiers": lambda number: whole.run(texts[number], threshold=0.0),
            "plain": lambda number: plain.invoke({"inputs": [texts[number]], "options": {}}),
        },
        repeats=repeats,
        warmup=50,
    )
    overhead = np.maximum(taken["run"] - np.median(taken["forward"]), 0.0)
    figures = [
        figure(
            "run minus forward / plain LangGraph",
            Goal(1.2, 1.0, "lower"),
            overhead,
            taken["plain"],
            run=summary(taken["run"]),
            forward=summary(taken["forward"]),
            plain=summary(taken["plain"]),
            run_of_the_graph_with_all_tiers=summary(taken["all tiers"]),
        )
    ]
    report("p2_overhead", "what a run adds to its forward pass, against plain LangGraph", figures, before)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
