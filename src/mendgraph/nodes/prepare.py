"""The first node: reads the rows, and resets every key a former run of the same thread left behind."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
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
        limits = {"ask": context.ask, "deadline_s": context.deadline_s, "budget": context.budget}
        options = {**limits, **(state.get("options") or {})}
        began = context.wall()
        name = options.pop("run", None) or run_id(began)
        return {
            "run": name,
            "began": began,
            "inputs": listed,
            "options": options,
            "rows": rows,
            "errors": errors,
            "trails": [[] for _ in listed],
            "open": [number for number, row in enumerate(rows) if row is not None],
            "spent": {"seconds": 0.0, "cost": 0.0},
            "answers": [],
        }

    return run


def run_id(began: float) -> str:
    """Sorts by time; two runs of one millisecond differ all the same."""
    moment = datetime.fromtimestamp(began, UTC)
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}-{secrets.token_hex(4)}"
