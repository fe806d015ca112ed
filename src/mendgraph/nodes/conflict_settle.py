"""The last node of the conflict graph: turns cases into answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.answerability import NOTHING
from mendgraph.core.conflict import documents_of
from mendgraph.core.conflict_case import Case, best_guess, full_value
from mendgraph.core.values import Answer, Attempt, Failure, Input
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.limits import CUTS
from mendgraph.nodes.recording import record
from mendgraph.nodes.tier import Node

__all__ = ["settle_conflict_node"]


def settle_conflict_node(default: Context) -> Node:
    """An answer that was believed is accepted; else the likeliest side is the best guess, and the value has all sides.

    Where no document answers, "nothing" is the best guess.  A row fails where it could not be read, and where nobody
    could say anything about it.
    """

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        final = {row: _answer(state, row) for row in range(len(state["rows"]))}
        record(context, state, final)
        answers = [final[row].to_dict() for row in range(len(final))]
        for row, answer in enumerate(answers):
            runtime.stream_writer({"event": "answer", "row": row, "answer": answer})
        return {"answers": answers, "options": {}}

    return run


def _answer(state: Any, row: int) -> Answer:
    prepared, error = state["rows"][row], state["errors"].get(str(row))
    attempts = tuple(Attempt.from_dict(step) for step in state["trails"][row])
    if prepared is None:
        return Answer(_shown(state["inputs"][row]), "failed", error=Failure(**error) if error else None)
    if error is not None:
        return Answer(prepared["raw"], "failed", error=Failure(**error))
    case, known = Case.from_dict(state["cases"][row]), Input(**prepared)
    cut = any(one.failure is not None and one.failure.kind in CUTS for one in attempts)
    documents = documents_of(known)
    value = full_value(case, known.text, documents)
    guess = best_guess(case, known.text, documents)
    if guess is None and "values" in case.done:
        guess = NOTHING  # every document was asked
    if guess is None:
        kept = value if case.probability is not None else None
        return Answer(
            known.raw, "failed", value=kept, partial=cut, error=_nobody(attempts, case), trail=attempts
        )
    return Answer(
        input=known.raw,
        status="accepted" if case.accepted else "abstained",
        label=case.text if case.accepted else None,
        best_guess=guess,
        value=value,
        confidence=case.confidence if case.text is not None else None,
        partial=cut,
        source=case.source if case.accepted else "",
        trail=attempts,
    )


def _nobody(attempts: Sequence[Attempt], case: Case) -> Failure:
    failed = [one for one in attempts if one.failure is not None]
    latest = {one.tier: one.failure.message for one in failed if one.failure}
    said = "; ".join(f"{tier}: {message}" for tier, message in latest.items())
    hints = [one.failure.hint for one in failed if one.failure and one.failure.hint]
    why = said or case.reason or "no tier is configured that reads"
    return Failure("no_tier_answered", f"nobody could answer ({why})", hints[0] if hints else "")


def _shown(raw: object) -> str:
    """What the caller gave, as a short text that always encodes."""
    text = raw if isinstance(raw, str) else repr(raw)
    return text[:200].encode("utf-8", "backslashreplace").decode()
