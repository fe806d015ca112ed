"""What the rules reach when every document's claim is known: the ceiling of any policy, and of a plain majority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.answers import normal_form, same_answer
from mendgraph.core.conflict import LEVELS
from mendgraph.core.metrics import bootstrap_interval
from mendgraph.core.resolution import Claim, resolve, rule_in
from mendgraph.evaluation.report import Section, Table, between
from mendgraph.training.conflict.claims.sets import BOTH, ClaimSet

__all__ = ["policy_section", "says_gold"]

Answer = Callable[[ClaimSet], str | None]


def says_gold(answer: str | None, one: ClaimSet) -> bool:
    """Whether an answer is the set's, by value and not by wording; None tells both sides."""
    if answer is None:
        return one.gold == BOTH
    return one.gold != BOTH and same_answer(answer, one.gold)


def _policy(one: ClaimSet) -> str | None:
    found = resolve(_claims(one), one.level, rule_in(one.question))
    return "" if found.unresolved else found.answer


def _level_alone(one: ClaimSet) -> str | None:
    found = resolve(_claims(one), one.level)
    return "" if found.unresolved else found.answer


def _majority(one: ClaimSet) -> str | None:
    return resolve(_claims(one), LEVELS[0]).answer or one.documents[0].id


def _wordings(one: ClaimSet) -> str | None:
    """The most frequent wording, the first of equals."""
    said = [normal_form(answer) for answer in one.answers if answer is not None]
    return Counter(said).most_common(1)[0][0]


def _claims(one: ClaimSet) -> list[Claim]:
    return [
        Claim(document.id, answer, document.date, document.reliability)
        for document, answer in zip(one.documents, one.answers, strict=True)
        if answer is not None
    ]


def _first(one: ClaimSet) -> str | None:
    return next(answer for answer in one.answers if answer is not None)


ANSWERS: Final[dict[str, Answer]] = {
    "first claim": _first,
    "majority of wordings": _wordings,
    "majority of values": _majority,
    "rule of the level": _level_alone,
    "rule of the question, else of the level": _policy,
}


def policy_section(sets: Sequence[ClaimSet], resamples: int, seed: int = 0) -> Section:
    """Share of right answers per level when claims and level are given; nothing is read."""
    figures: dict[str, dict[str, object]] = {}
    rows = []
    for name, answer in ANSWERS.items():
        right = np.array([says_gold(answer(one), one) for one in sets], dtype=np.float64)
        cells, figures[name] = [name], {}
        for level in ("all", *LEVELS):
            mask = np.array([level in ("all", one.level) for one in sets])
            value = float(right[mask].mean()) if mask.any() else float("nan")
            interval = (
                bootstrap_interval(_mean, right[mask], seed=seed, resamples=resamples) if mask.any() else None
            )
            figures[name][level] = {"accuracy": value, "interval": interval}
            cells.append(between(value, interval if level == "all" else None))
        rows.append(tuple(cells))
    table = Table(
        f"Answers when every claim is known, {len(sets):,} claim sets of test",
        ("rule", "all", *LEVELS),
        tuple(rows),
        "What resolution alone can do: claims, their dates and reliability, and the level are given, not read.",
    )
    return Section("policy", (table,), figures)


def _mean(right: ArrayLike) -> float:
    return float(np.mean(np.asarray(right, dtype=np.float64)))
