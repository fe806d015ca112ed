"""The graph as it is installed, with its own weights, on prompts that they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mendgraph.assembly import load
from mendgraph.config import Config
from mendgraph.evaluation.emotion.about import about
from mendgraph.evaluation.prompt_routing.cascade import cascade_section, collect
from mendgraph.evaluation.prompt_routing.datasets import Table
from mendgraph.evaluation.report import Section

TOLERANCE = 0.05
"""A choice is good when its score is at most this much below the best; the policy's own target says so too."""


def shipped_section(
    config: Config, tables: Mapping[str, Table], *, resamples: int, echo: Callable[[str], None]
) -> tuple[Section | None, dict[str, Any]]:
    """The check on LLMRouter's clean test prompts, and what exactly was measured; None without their models."""
    table = tables["llmrouter"].test
    with load("prompt_routing", config=config) as graph:
        for name, state in graph.health().items():
            if state["error"]:
                echo(f"tier {name} is down: {state['error']}")
        facts = about(graph, config)
        known = set(graph.context.policy.labels)
        if not known.issuperset(table.models):
            echo("the configured LLMs are others than LLMRouter's: the graph itself is not measured")
            return None, facts
        found = collect(graph, table)
        tolerance = graph.context.policy.target.get("tolerance", TOLERANCE)
    return cascade_section("graph", "LLMRouter test", found, tolerance, resamples=resamples), facts
