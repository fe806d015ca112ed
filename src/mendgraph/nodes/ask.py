"""The question to the user as a node.  It pauses the graph; it never reads a keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from mendgraph.core.values import Attempt, Prediction
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node


def pending(state: CascadeState) -> list[int]:
    """Rows whose last verdict is to ask, in order."""
    return [row for row, trail in enumerate(state["trails"]) if trail and trail[-1]["verdict"] == "ask"]


def ask_node(default: Context) -> Node:
    """Asks about all pending rows at once; skipped rows are abstained.

    Clarifications known beforehand are used first, and used up; those for rows that did not need one are ignored.

    The interrupt's value is ``{"question", "rows": [{"row", "text", "options": [...]}], "labels", "error"}``.
    It is resumed with ``{"0": label or None}``, row numbers as text because LangGraph takes no others, or with just
    a label when one row is pending; a reply that cannot be understood is asked again with ``error`` set.
    """

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        labels = context.policy.labels
        rows = pending(state)
        known = state["options"].get("clarifications") or {}
        replies, error = _read({row: known[str(row)] for row in rows if str(row) in known}, rows, labels)
        missing = [row for row in rows if row not in replies]
        asking = state["options"].get("ask") == "interrupt"
        if missing and asking:
            question = _question(context.question, state, missing, labels)
            while True:
                heard, error = _read(interrupt({**question, "error": error}), missing, labels)
                if not error:
                    break
            replies = {**replies, **heard}
        trails = list(state["trails"])
        for row in rows:
            if asking or row in replies:
                trails[row] = _with_reply(trails[row], replies.get(row), labels)
        return {"trails": trails, "options": {**state["options"], "clarifications": {}}}

    return run


def _question(
    question: str, state: CascadeState, rows: Sequence[int], labels: Sequence[str]
) -> dict[str, Any]:
    return {
        "question": question,
        "rows": [
            {
                "row": row,
                "text": state["answers"][row]["input"],
                "options": [
                    {"label": label, "probability": _scores(state["trails"][row])[label]}
                    for label in state["answers"][row]["options"]
                ],
            }
            for row in rows
        ],
        "labels": list(labels),
    }


def _scores(trail: Sequence[Mapping[str, Any]]) -> Mapping[str, float]:
    """Of the latest step that said anything, which is the one the options come from."""
    scores: Mapping[str, float] = next(a["prediction"]["scores"] for a in reversed(trail) if a["prediction"])
    return scores


def _read(reply: object, rows: Sequence[int], labels: Sequence[str]) -> tuple[dict[int, str | None], str]:
    """The reply as row -> label, and what is wrong with it, if anything."""
    if reply is None:
        return {}, ""
    if isinstance(reply, str) and len(rows) == 1:
        reply = {rows[0]: reply}
    if not isinstance(reply, Mapping):
        return {}, f"reply with a mapping of row to label, got {type(reply).__name__}"
    heard: dict[int, str | None] = {}
    for key, value in reply.items():
        if not str(key).isdigit() or int(key) not in rows:
            return {}, f"row {key!r} was not asked about; asked: {list(rows)}"
        label = value.strip().lower() if isinstance(value, str) else value
        if label is not None and label not in labels:
            return {}, f"unknown label {value!r}; known: {', '.join(labels)}"
        heard[int(key)] = label
    return heard, ""


def _with_reply(
    trail: Sequence[Mapping[str, Any]], label: str | None, labels: Sequence[str]
) -> list[dict[str, Any]]:
    if label is None:
        skipped = {**trail[-1], "verdict": "abstain", "reason": f"{trail[-1]['reason']}; the user skipped it"}
        return [*map(dict, trail[:-1]), skipped]
    scores = {name: float(name == label) for name in labels}
    step = Attempt("user", Prediction(label, scores, 1.0, 1.0), verdict="accept", reason="the user said so")
    return [*map(dict, trail), step.to_dict()]
