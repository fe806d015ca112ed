"""The first node: reads the rows, and resets every key a former run of the same thread left behind."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Failure
from mendgraph.errors import InputError
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node


def prepare_node(default: Context) -> Node:
    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        inputs = state["inputs"]
        listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        rows: list[dict[str, Any] | None] = []
        errors: dict[str, dict[str, Any]] = {}
        for number, raw in enumerate(listed):
            try:
                rows.append(context.prepare(raw).to_dict())
            except InputError as error:
                rows.append(None)
                errors[str(number)] = Failure.of(error).to_dict()
        options = {"ask": context.ask, **(state.get("options") or {})}
        return {
            "inputs": listed,
            "options": options,
            "rows": rows,
            "errors": errors,
            "trails": [[] for _ in listed],
            "open": [number for number, row in enumerate(rows) if row is not None],
            "answers": [],
        }

    return run
