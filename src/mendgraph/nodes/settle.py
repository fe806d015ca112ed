"""The last node: turns trails into answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.policy import plausible
from mendgraph.core.values import Answer, Attempt, Failure, Status
from mendgraph.nodes.ask import pending
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.limits import CUTS
from mendgraph.nodes.recording import record
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node

STATUS: Mapping[str | None, Status] = {
    "accept": "accepted",
    "ask": "needs_clarification",
    "abstain": "abstained",
}


def will_ask(state: CascadeState) -> bool:
    """Whether the run goes on to the user: rows are pending and somebody can answer."""
    options = state["options"]
    reachable = options.get("ask") == "interrupt" or bool(options.get("clarifications"))
    return reachable and bool(pending(state))


def settle_node(default: Context) -> Node:
    """Answers every row.  Rows waiting for the user get a provisional answer, so that nobody waits for them.

    Final answers are recorded in the journal once, before anybody hears of them.  What the run overrode ends with it,
    so that the next run of the same thread starts from the defaults.
    """

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        before = state["answers"]
        waiting = set(pending(state)) if will_ask(state) else set()
        answers: list[dict[str, Any]] = []
        final: dict[int, Answer] = {}
        for row, trail in enumerate(state["trails"]):
            error = state["errors"].get(str(row))
            known = before[row] if before else None
            if known is not None and known["status"] != "needs_clarification":
                answers.append(known)
                continue
            answer = _answer(context, state, row, trail, error, waiting=row in waiting)
            answers.append(answer.to_dict())
            if row not in waiting:
                final[row] = answer
        record(context, state, final)
        for row in final:
            runtime.stream_writer({"event": "answer", "row": row, "answer": answers[row]})
        return {"answers": answers} if waiting else {"answers": answers, "options": {}}

    return run


def _answer(
    context: Context,
    state: CascadeState,
    row: int,
    trail: Sequence[Mapping[str, Any]],
    error: Mapping[str, Any] | None,
    *,
    waiting: bool,
) -> Answer:
    prepared = state["rows"][row]
    if prepared is None:
        return Answer(_shown(state["inputs"][row]), "failed", error=Failure(**error) if error else None)
    text = prepared["raw"]
    attempts = tuple(Attempt.from_dict(step) for step in trail)
    best = next((a for a in reversed(attempts) if a.prediction is not None), None)
    if best is None or best.prediction is None:
        unknown: Status = "needs_clarification" if waiting else "failed"
        return Answer(text, unknown, partial=_cut(attempts), error=_nobody(attempts), trail=attempts)
    status = STATUS[attempts[-1].verdict]
    accepted, asks = status == "accepted", status == "needs_clarification"
    prediction = best.prediction
    return Answer(
        input=text,
        status=status,
        label=prediction.label if accepted else None,
        best_guess=prediction.label,
        value=context.value(prediction, [a.prediction for a in attempts if a.prediction is not None]),
        confidence=prediction.confidence,
        options=plausible(prediction.scores, mass=context.policy.mass) if asks else (),
        partial=_cut(attempts),
        source=best.tier if accepted else "",
        trail=attempts,
    )


def _cut(attempts: Sequence[Attempt]) -> bool:
    return any(a.failure is not None and a.failure.kind in CUTS for a in attempts)


def _nobody(attempts: Sequence[Attempt]) -> Failure:
    said = "; ".join(f"{a.tier}: {a.failure.message}" for a in attempts if a.failure)
    hints = [a.failure.hint for a in attempts if a.failure and a.failure.hint]
    return Failure("no_tier_answered", f"no tier could answer ({said})", hints[0] if hints else "")


def _shown(raw: object) -> str:
    """What the caller gave, as a short text that always encodes."""
    text = raw if isinstance(raw, str) else repr(raw)
    return text[:200].encode("utf-8", "backslashreplace").decode()
