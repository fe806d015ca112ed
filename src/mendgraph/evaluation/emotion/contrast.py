"""The contrast set by family: answers a sensible person accepts, and answers that are plainly wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mendgraph.core.values import Answer
from mendgraph.evaluation.contrast import FAMILIES, ContrastCase
from mendgraph.evaluation.emotion.answers import Collected
from mendgraph.evaluation.emotion.datasets import Labelled
from mendgraph.evaluation.report import Section, Table, percent
from mendgraph.training.emotion.labels import LABELS

EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Family:
    """Shares of the cases of one family, each in [0, 1], at full coverage unless named otherwise.

    Attributes:
        hits: the answer is among those to accept.
        violations: the answer is among those that are plainly wrong.
        asked: the cascade would ask the user.
        accepted_violations: the cascade accepts an answer that is plainly wrong.
    """

    family: str
    cases: int
    first_hits: float
    first_violations: float
    cascade_hits: float
    cascade_violations: float
    asked: float
    accepted_violations: float


def contrast_set(cases: Sequence[ContrastCase]) -> Labelled:
    """As a test set whose truth is each case's preferred label."""
    labels = np.array([LABELS.index(case.accept[0]) for case in cases], dtype=np.int64)
    return Labelled("contrast", "Contrast set, preferred label", tuple(case.text for case in cases), labels)


def contrast_section(cases: Sequence[ContrastCase], collected: Collected) -> Section:
    first = [_name(said) for said in collected.tiers[collected.first].said.tolist()]
    triples = list(zip(cases, first, collected.answers, strict=True))
    families = [
        _family(name, [t for t in triples if name in (t[0].family, EVERYTHING)])
        for name in (*FAMILIES, EVERYTHING)
        if name == EVERYTHING or any(case.family == name for case in cases)
    ]
    failures = [
        _failure(case, said, answer) for case, said, answer in triples if answer.best_guess not in case.accept
    ]
    return Section(
        "contrast",
        (_table(families, collected.first),),
        {"families": families, "failures": failures},
    )


def _family(name: str, triples: Sequence[tuple[ContrastCase, str | None, Answer]]) -> Family:
    def share(flags: Sequence[bool]) -> float:
        return sum(flags) / len(flags)

    return Family(
        family=name,
        cases=len(triples),
        first_hits=share([said in case.accept for case, said, _ in triples]),
        first_violations=share([said in case.reject for case, said, _ in triples]),
        cascade_hits=share([answer.best_guess in case.accept for case, _, answer in triples]),
        cascade_violations=share([answer.best_guess in case.reject for case, _, answer in triples]),
        asked=share([answer.status == "needs_clarification" for _, _, answer in triples]),
        accepted_violations=share([answer.label in case.reject for case, _, answer in triples]),
    )


def _failure(case: ContrastCase, said: str | None, answer: Answer) -> dict[str, Any]:
    irony = [
        a.prediction.signals["irony"]
        for a in answer.trail
        if a.prediction and "irony" in a.prediction.signals
    ]
    return {
        "text": case.text,
        "family": case.family,
        "accept": case.accept,
        "reject": case.reject,
        "first_tier": said,
        "cascade": answer.best_guess,
        "status": answer.status,
        "confidence": answer.confidence,
        "source": answer.source,
        "irony": max(irony, default=None),
        "plainly_wrong": answer.best_guess in case.reject,
    }


def _table(families: Sequence[Family], first: str) -> Table:
    return Table(
        "Contrast set by family",
        (
            "family",
            "cases",
            f"{first}: hits",
            f"{first}: plainly wrong",
            "cascade: hits",
            "cascade: plainly wrong",
            "asks",
            "accepts plainly wrong",
        ),
        tuple(
            (
                f.family,
                str(f.cases),
                percent(f.first_hits),
                percent(f.first_violations),
                percent(f.cascade_hits),
                percent(f.cascade_violations),
                percent(f.asked),
                percent(f.accepted_violations),
            )
            for f in families
        ),
        "a hit is any label that a sensible person accepts; labels in neither list count as no hit",
    )


def _name(said: int) -> str | None:
    return LABELS[said] if said < len(LABELS) else None
