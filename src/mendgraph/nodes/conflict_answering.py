"""Nodes that answer: plainly, from refined states, or by what each document says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from langgraph.runtime import Runtime

from mendgraph.core.conflict_case import Case, is_stated, resolved
from mendgraph.core.conflict_decisions import (
    PLAIN,
    REFINED,
    VALUES,
    after_hearing,
    calibrated,
    decided,
    sureness,
)
from mendgraph.core.conflict_stages import RIGHT, Name, Stage, Ways
from mendgraph.core.policy import judge
from mendgraph.core.values import Attempt, Verdict
from mendgraph.nodes.conflict_work import Work
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.tier import Node

__all__ = ["check_answer_node", "draft_node", "verify_node"]

_SOURCES: Final[Mapping[str, tuple[str, str]]] = {"answer": ("read", PLAIN), "refine": ("refined", REFINED)}


def draft_node(stage: Name, default: Context) -> Node:
    """The readers' answer, from the states as they are (``answer``) or refined (``refine``)."""
    done, source = _SOURCES[stage]

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Work(state, given(runtime, default), runtime)
        for row, attempt in work.every("readers", Stage(stage), work.waiting(stage)).items():
            if attempt is None or attempt.prediction is None:
                work.passed(row, attempt)
                work.on(row, "", next="verify")
                continue
            sure = _sure(work, source, attempt, attempt.prediction.scores[RIGHT[0]])
            said = attempt.prediction
            work.tell(row, replace(attempt, prediction=replace(said, confidence=sure)))
            work.on(
                row,
                done,
                said.value,
                text=said.value["text"] or None,
                confidence=sure,
                source=attempt.tier,
                next="check_answer",
            )
        return work.update()

    return run


def check_answer_node(default: Context) -> Node:
    """Accepts a draft that is sure enough; one from refined states must also be what some document says."""

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Work(state, given(runtime, default), runtime)
        for row in work.waiting("check_answer"):
            case = work.case(row)
            stage = REFINED if case.done[-1] == "refined" else PLAIN
            threshold = _threshold(work, stage)
            verdict = judge(case.confidence, threshold, tiers_left=True, may_ask=False)
            reason = _told(case.confidence, threshold)
            if case.text is None:
                verdict, reason = "defer", "it wrote nothing"
            elif stage == REFINED and not is_stated(work.input(row).text, case.text, work.documents(row)):
                verdict, reason = "defer", "no document says so"
            work.judge(row, verdict, threshold, reason)
            accepted = verdict == "accept"
            work.on(
                row,
                "",
                accepted=accepted,
                reason=reason if accepted else "",
                next="" if accepted else "verify",
            )
        return work.update()

    return run


def verify_node(default: Context, ways: Ways) -> Node:
    """Asks what each document says and lets a rule, or a vote over samples, decide; what nobody can decide is abstained
    from, with all sides."""

    def run(state: Any, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Work(state, given(runtime, default), runtime)
        alone = []
        for row, attempt in work.every("readers", ways.verification, work.waiting("verify")).items():
            if attempt is None or attempt.prediction is None:
                work.passed(row, attempt)
                alone.append(row)
            else:
                _verified(work, row, attempt, ways)
        unread = [row for row in alone if not work.case(row).values]
        for row, attempt in work.every("values", Stage("type"), unread).items():
            work.passed(row, attempt)
            if attempt is not None and attempt.prediction is not None:
                said = attempt.prediction.value
                work.on(row, "compared", said, values=said["values"])
        for row in alone:
            _without_reader(work, row)
        return work.update()

    return run


def _verified(work: Work, row: int, attempt: Attempt, ways: Ways) -> None:
    said = attempt.prediction
    assert said is not None
    value, vote = said.value, said.value.get("vote")
    before = work.case(row)
    drawn = f"samples {ways.samples}"
    known, documents = work.input(row), work.documents(row)
    work.on(row, drawn if ways.verify == "samples" else "values", value)
    after, changed = after_hearing(
        work.case(row), known.text, documents, value, work.context.policy, attempt.fingerprint
    )
    work.cases[row] = after
    if changed:
        work.on(row, "compared")
    resolution = resolved(after, known.text, documents)
    found = decided(resolution, vote, ways)
    if ways.verify != "samples":
        work.on(row, resolution.rule if found.source == VALUES else drawn)
    sure = None
    if found.text is not None:
        sure = _sure(work, found.source, attempt, sureness(found, said.scores[RIGHT[0]], vote))
    threshold = _threshold(work, found.source)
    verdict: Verdict = "abstain"
    reason = found.reason
    if found.text is not None:
        verdict = judge(sure, threshold, tiers_left=False, may_ask=False)
        reason = f"{reason}; {_told(sure, threshold)}"
    shown = {**value, "text": found.text}
    work.tell(row, replace(attempt, prediction=replace(said, confidence=sure, value=shown)))
    work.judge(row, verdict, threshold, reason)
    accepted = verdict == "accept"
    if accepted or (found.text is not None and _surer(sure, before)):
        work.on(row, "", text=found.text, confidence=sure, source=attempt.tier)
    elif found.text is None and not resolution.sides:  # what was drafted is said by no document
        work.on(row, "", text=None, confidence=None, source="")
    work.on(row, "", accepted=accepted, reason=reason, next="")


def _without_reader(work: Work, row: int) -> None:
    """Nobody can read: all sides are shown, and the likeliest is a guess."""
    case = work.case(row)
    resolution = resolved(case, work.input(row).text, work.documents(row))
    guess = case.text if case.text is not None else resolution.answer
    conflict = case.conflict if case.probability is not None else len(resolution.sides) > 1
    reason = f"no reader could check the answer; {resolution.reason}"
    work.on(row, "", text=guess, conflict=conflict, accepted=False, reason=reason, next="")


def _sure(work: Work, source: str, attempt: Attempt, raw: float) -> float | None:
    """Probability that an answer is right; the tier's own word where no calibration fits its weights."""
    found = calibrated(work.context.policy, source, attempt.fingerprint, raw)
    if found is None and attempt.prediction is not None:
        return attempt.prediction.confidence
    return found


def _surer(sure: float | None, before: Case) -> bool:
    return before.text is None or (sure or 0.0) >= (before.confidence or 0.0)


def _threshold(work: Work, stage: str) -> float:
    override = work.state["options"].get("threshold")
    return work.context.policy.threshold(stage) if override is None else override


def _told(sure: float | None, threshold: float) -> str:
    if sure is None:
        return "no calibration fits these weights, so it cannot be trusted alone"
    return f"confidence {sure:.3f} {'reaches' if sure >= threshold else 'is below'} {threshold:.3f}"
