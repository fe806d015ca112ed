"""The irony check as a node: doubts literal readings of ironic texts, sure ones too."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Attempt
from mendgraph.nodes.check import doubted, judged
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node


def irony_node(after: str, default: Context, *, last: bool) -> Node:
    """Re-opens rows that tier `after` read literally although its irony head finds them ironic."""

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        rule = context.policy.irony
        if rule is None:
            return {}
        trails = list(state["trails"])
        open_rows = set(state["open"])
        for row, trail in enumerate(state["trails"]):
            step = trail[-1] if trail else None
            if step is None or step["tier"] != after or step["prediction"] is None:
                continue
            irony = step["prediction"]["signals"].get("irony", 0.0)
            if not rule.applies(irony, step["prediction"]["label"]):
                continue
            read = Attempt.from_dict(step)
            assert read.prediction is not None
            attempt = Attempt(
                "irony",
                doubted(context.policy, read.prediction, irony),
                reason=f"reads as ironic (p = {irony:.2f}), so {read.prediction.label!r} is doubted",
                fingerprint=read.fingerprint,
            )
            attempt = judged([attempt], context.policy, "irony", state["options"], tiers_left=not last)
            trails[row] = [*trail, attempt.to_dict()]
            runtime.stream_writer({"event": "verdict", "row": row, "attempt": trails[row][-1]})
            if attempt.verdict == "defer":
                open_rows.add(row)
            else:
                open_rows.discard(row)
        return {"trails": trails, "open": sorted(open_rows)}

    return run
