"""The last node of a graph that writes: turns texts into answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.values import Answer, Attempt, Failure
from mendgraph.core.writing import full_answer
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.limits import CUTS
from mendgraph.nodes.recording import record
from mendgraph.nodes.tier import Node


def settle_writing_node(default: Context) -> Node:
    """A finished text is accepted; one that was cut short is abstained from, and marked partial; none at all failed."""

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        final = {row: _answer(state, row) for row in range(len(state["trails"]))}
        record(context, state, final)
        answers = [final[row].to_dict() for row in range(len(final))]
        for row, answer in enumerate(answers):
            runtime.stream_writer({"event": "answer", "row": row, "answer": answer})
        return {"answers": answers, "options": {}}

    return run


def _answer(state: Mapping[str, Any], row: int) -> Answer:
    prepared, text = state["rows"][row], state["texts"][row]
    error = state["errors"].get(str(row))
    attempts = tuple(Attempt.from_dict(step) for step in state["trails"][row])
    if prepared is None:
        raw = state["inputs"][row]
        shown = (
            (raw if isinstance(raw, str) else repr(raw))[:200].encode("utf-8", "backslashreplace").decode()
        )
        return Answer(shown, "failed", error=Failure(**error) if error else None)
    cut = any(one.failure is not None and one.failure.kind in CUTS for one in attempts)
    if text is None or (not text["text"] and not text["finish"]):
        return Answer(prepared["raw"], "failed", partial=cut, error=_nobody(attempts), trail=attempts)
    finished = bool(text["finish"])
    kept = _kept(attempts)
    return Answer(
        input=prepared["raw"],
        status="accepted" if finished else "abstained",
        label=text["text"] if finished else None,
        best_guess=text["text"],
        value=full_answer(text),
        confidence=_confidence(kept),
        partial=not finished,
        source=kept[-1].tier if finished and kept else "",
        trail=attempts,
    )


def _kept(attempts: Sequence[Attempt]) -> list[Attempt]:
    return [one for one in attempts if one.verdict == "accept" and one.prediction is not None]


def _confidence(kept: Sequence[Attempt]) -> float | None:
    """Mean over the tokens; None where a chunk has none."""
    total, tokens = 0.0, 0
    for one in kept:
        said = one.prediction
        if said is None or said.confidence is None:
            return None
        start, end = said.value["tokens"]
        total += said.confidence * (end - start)
        tokens += end - start
    return total / tokens if tokens else None


def _nobody(attempts: Sequence[Attempt]) -> Failure:
    messages = dict.fromkeys(a.failure.message for a in attempts if a.failure)
    told = (
        [f"{a.tier}: {a.failure.message}" for a in attempts if a.failure] if len(messages) > 1 else messages
    )
    said = "; ".join(dict.fromkeys(told))
    hints = [a.failure.hint for a in attempts if a.failure and a.failure.hint]
    return Failure("no_tier_answered", f"no tier could write ({said})", hints[0] if hints else "")
