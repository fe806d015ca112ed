"""The irony check as a node: doubts literal readings of ironic texts, sure ones too.

The node is visited only when the irony head fires, so that plain rows do not pay for its step.
"""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Attempt
from mendgraph.nodes.check import doubted, judged
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node


def ironic(state: CascadeState, context: Context, after: str) -> list[int]:
    """Rows that tier `after` just read literally although its irony head finds them ironic."""
    rule = context.policy.irony
    if rule is None:
        return []
    found = []
    for row, trail in enumerate(state["trails"]):
        step = trail[-1] if trail else None
        if step is None or step["tier"] != after or step["prediction"] is None:
            continue
        said = step["prediction"]
        if rule.applies(said["signals"].get("irony", 0.0), said["label"]):
            found.append(row)
    return found


def irony_node(after: str, default: Context, *, last: bool) -> Node:
    """Re-opens rows that tier `after` read literally although its irony head finds them ironic."""

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        trails = list(state["trails"])
        open_rows = set(state["open"])
        for row in ironic(state, context, after):
            read = Attempt.from_dict(trails[row][-1])
            assert read.prediction is not None
            irony = read.prediction.signals["irony"]
            attempt = Attempt(
                "irony",
                doubted(context.policy, read.prediction, irony),
                reason=f"reads as ironic (p = {irony:.2f}), so {read.prediction.label!r} is doubted",
                fingerprint=read.fingerprint,
            )
            attempt = judged([attempt], context.policy, "irony", state["options"], tiers_left=not last)
            trails[row] = [*trails[row], attempt.to_dict()]
            runtime.stream_writer({"event": "verdict", "row": row, "attempt": trails[row][-1]})
            if attempt.verdict == "defer":
                open_rows.add(row)
            else:
                open_rows.discard(row)
        return {"trails": trails, "open": sorted(open_rows)}

    return run
