"""Nodes that find documents, find out whether they conflict, and on what level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.conflict import LEVELS, Document
from mendgraph.core.conflict_decisions import (
    DETECT,
    PLAIN,
    REFINED,
    calibrated,
    conflict_threshold,
    is_believed,
    is_conflict,
    is_shallow,
)
from mendgraph.core.conflict_stages import AGREEMENT, Stage, Ways
from mendgraph.core.values import Attempt, Failure, Prediction
from mendgraph.errors import InputError, MendError
from mendgraph.nodes.conflict_work import Work
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.tier import Node

__all__ = ["Shelf", "check_conflict_node", "detect_node", "retrieve_node", "type_node"]


@dataclass
class Shelf:
    """Where documents are looked for; what it holds may be exchanged between runs.

    Attributes:
        find: question and number of documents -> the closest ones; None where there is nothing to look in.
        most: documents to find for a question.
    """

    find: Callable[[str, int], Sequence[Document]] | None = None
    most: int = 7


def retrieve_node(default: Context, shelf: Shelf) -> Node:
    """Documents for the rows that came without."""

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Work(state, given(runtime, default), runtime)
        errors = dict(state["errors"])
        for row in work.waiting("detect"):
            if work.documents(row):
                continue
            try:
                found = _found(shelf, work.input(row).text)
            except MendError as error:
                errors[str(row)] = Failure.of(error).to_dict()
                work.on(row, "", next="")
                continue
            work.give(row, found)
        return {**work.update(), "errors": errors}

    return run


def detect_node(default: Context) -> Node:
    """The readers say whether documents conflict; where none can, those that tell levels apart do.

    A single document contradicts nothing.
    """

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Work(state, given(runtime, default), runtime)
        several = []
        for row in work.waiting("detect"):
            if len(work.documents(row)) > 1:
                several.append(row)
            else:
                work.on(row, "one document", probability=0.0, next=_plainly(work))
        left = []
        for row, attempt in work.every("readers", Stage("detect"), several).items():
            if attempt is None or attempt.prediction is None:
                work.passed(row, attempt)
                left.append(row)
                continue
            said = attempt.prediction
            raw = said.scores[AGREEMENT[1]]
            fitted = calibrated(work.context.policy, DETECT, attempt.fingerprint, raw)
            chance = raw if fitted is None else fitted
            work.tell(row, attempt)
            work.on(row, "detected", said.value, probability=chance, next="check_conflict")
        for row in _typed(work, left):
            said_by = work.case(row)
            work.on(row, "", next="verify" if said_by.probability is None else "check_conflict")
        return work.update()

    return run


def check_conflict_node(default: Context) -> Node:
    """Rows whose documents agree are answered plainly; the others are looked at more closely.

    What would not be believed however sure it is, by the policy, is not written at all: those rows are looked at more
    closely too.
    """

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Work(state, given(runtime, default), runtime)
        policy = work.context.policy
        threshold = conflict_threshold(policy)
        for row in work.waiting("check_conflict"):
            chance = work.case(row).probability or 0.0
            conflict = is_conflict(chance, policy)
            sign = "reaches" if conflict else "is below"
            said = "the documents conflict" if conflict else "the documents agree"
            reason = f"probability of a conflict {chance:.3f} {sign} {threshold:.3f}: {said}"
            work.judge(row, "defer", threshold, reason)
            plain = not conflict and is_believed(policy, PLAIN)
            work.on(row, "", conflict=conflict, next="answer" if plain else "type")
        return work.update()

    return run


def type_node(default: Context, ways: Ways) -> Node:
    """On what level documents conflict, and with that, how the conflict is to be resolved."""

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Work(state, given(runtime, default), runtime)
        rows = work.waiting("type")
        _typed(work, [row for row in rows if not work.case(row).shares])
        for row in rows:
            case = work.case(row)
            refined = is_shallow(case, ways) and is_believed(work.context.policy, REFINED)
            work.on(row, "", next="refine" if refined else "verify")
        return work.update()

    return run


def _plainly(work: Work) -> str:
    """The stage that answers where nothing conflicts."""
    return "answer" if is_believed(work.context.policy, PLAIN) else "verify"


def _found(shelf: Shelf, question: str) -> list[Document]:
    if shelf.find is None:
        raise InputError(
            "the row has no documents, and there is nowhere to look for any",
            hint="give the row documents, or the graph a place to look: conflict.docs",
        )
    found = list(shelf.find(question, shelf.most))
    if not found:
        raise InputError(
            "no document has a word of the question", hint="ask in the words of the documents, or add some"
        )
    return found


def _typed(work: Work, rows: Sequence[int]) -> Sequence[int]:
    """The rows, once they were asked about by those who tell levels apart; who was not asked before tells too whether
    there is a conflict."""
    left = list(rows)
    for role in ("types", "values"):
        for row, attempt in work.every(role, Stage("type"), left).items():
            if attempt is None or attempt.prediction is None:
                work.passed(row, attempt)
                continue
            left.remove(row)
            _leveled(work, row, attempt)
    return rows


def _leveled(work: Work, row: int, attempt: Attempt) -> None:
    said = attempt.prediction
    assert said is not None
    shares = _shares(said)
    first = work.case(row).probability is None
    chance = 1.0 - said.scores[LEVELS[0]]
    changes: dict[str, Any] = {"probability": chance} if first else {"typed": chance}
    values = said.value.get("values") if isinstance(said.value, dict) else None
    if values is not None:
        changes["values"] = values
    if first:
        work.tell(row, attempt)
    else:
        level = max(shares, key=shares.__getitem__)
        told = f"probability of a conflict {chance:.3f}, {shares[level]:.0%} of it {level}"
        work.passed(row, attempt, told)
    work.on(row, "compared" if values is not None else "typed", said.value, shares=shares, **changes)


def _shares(said: Prediction) -> dict[str, float]:
    """What is left of the probabilities without "none"."""
    total = sum(said.scores[level] for level in LEVELS[1:])
    if total <= 0.0:
        return {level: 1.0 / (len(LEVELS) - 1) for level in LEVELS[1:]}
    return {level: said.scores[level] / total for level in LEVELS[1:]}
