"""Which of several claims to believe: a rule for each level of conflict, and both sides where no rule decides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from mendgraph.core.answers import agreeing_groups
from mendgraph.core.quantities import find_measures
from mendgraph.errors import UnknownNameError

__all__ = ["POLICIES", "RULES", "Claim", "Resolution", "Rule", "Side", "resolve", "rule_in", "without_rule"]

Rule = Literal["majority", "most_recent", "most_reliable", "most_precise", "both_sides"]

RULES: Final[tuple[Rule, ...]] = ("majority", "most_recent", "most_reliable", "most_precise", "both_sides")
POLICIES: Final[dict[str, Rule]] = {
    "none": "majority",
    "temporal": "most_recent",
    "numerical": "majority",
    "entity": "most_reliable",
    "semantic": "both_sides",
}
"""Level of the conflict -> its rule, where the question asks for no other."""

_ASKED: Final[tuple[tuple[Rule, re.Pattern[str]], ...]] = (
    (
        "most_recent",
        re.compile(
            r"\b(?:latest|newest|most recent)\b[^.?!]{0,20}\b(?:document|source|text|report|article)s?", re.I
        ),
    ),
    (
        "most_reliable",
        re.compile(r"\b(?:most (?:reliable|trustworthy|credible)|deserves? most trust)\b", re.I),
    ),
    (
        "most_precise",
        re.compile(
            r"\b(?:most (?:precise|exact)|as (?:exactly|precisely) as (?:it is|the)|to the nearest)\b", re.I
        ),
    ),
    (
        "majority",
        re.compile(r"\b(?:majority|most (?:of the )?(?:documents|sources|texts|reports|articles))\b", re.I),
    ),
)


_BEGINNING: Final = re.compile(r"[^.:?!]{1,80}[:?.]\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one document answers.

    Attributes:
        document: its id.
        date: sortable, as of `Document`; None where it is not known.
        reliability: in [0, 1]; None where it is not known.
    """

    document: str
    value: str
    date: str | None = None
    reliability: float | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A value, in its most precise form, and the documents that claim it."""

    value: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a rule made of the claims.

    Attributes:
        answer: None where there is no one answer: nothing is claimed, both sides are to be told, or the rule cannot
            decide.
        document: the one that answers; None as `answer`.
        unresolved: the rule should have found an answer and could not.
        sides: every value, those of most documents first.
        reason: one sentence for a person.
    """

    rule: Rule
    answer: str | None
    document: str | None
    unresolved: bool
    sides: tuple[Side, ...]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "answer": self.answer,
            "document": self.document,
            "unresolved": self.unresolved,
            "sides": [{"value": side.value, "documents": list(side.documents)} for side in self.sides],
            "reason": self.reason,
        }


def rule_in(question: str) -> Rule | None:
    """The rule that a question names; None where it names none."""
    return next((rule for rule, pattern in _ASKED if pattern.search(question)), None)


def without_rule(question: str) -> str:
    """The question itself, where it begins with the rule that it names: "Going by the majority: When ..."."""
    match = _BEGINNING.match(question)
    return question[match.end() :] if match and rule_in(match[0]) else question


def resolve(claims: Sequence[Claim], level: str, rule: Rule | None = None) -> Resolution:
    """One answer from claims that may disagree; values are compared by what they mean, not by how they are written.

    Args:
        level: of `LEVELS`, which decides the rule.
        rule: instead of the level's own.

    Raises:
        UnknownNameError: no such level or rule.
    """
    if level not in POLICIES:
        raise UnknownNameError("level of conflict", level, POLICIES)
    rule = rule or POLICIES[level]
    if rule not in RULES:
        raise UnknownNameError("rule", rule, RULES)
    if not claims:
        return Resolution(rule, None, None, True, (), "no document answers the question")
    groups = _groups(claims)
    sides = tuple(
        Side(claims[_finest(claims, places)].value, tuple(claims[at].document for at in places))
        for places in groups
    )
    if rule == "both_sides" and len(groups) > 1:
        return Resolution(
            rule, None, None, False, sides, f"{len(groups)} sides, each told with its documents"
        )
    best, reason = _best(claims, groups, "majority" if rule == "both_sides" else rule)
    if best is None:
        return Resolution(rule, None, None, True, sides, reason)
    return Resolution(rule, claims[best].value, claims[best].document, False, sides, reason)


def _groups(claims: Sequence[Claim]) -> list[list[int]]:
    """Places of the claims that agree, largest group first, equal ones in order of appearance."""
    found: dict[int, list[int]] = {}
    for at, group in enumerate(agreeing_groups([claim.value for claim in claims])):
        found.setdefault(group, []).append(at)
    return sorted(found.values(), key=lambda places: -len(places))


def _best(claims: Sequence[Claim], groups: Sequence[Sequence[int]], rule: Rule) -> tuple[int | None, str]:
    """Place of the claim that answers, and why; None where the rule cannot decide."""
    if rule == "majority":
        return _most(claims, groups)
    everyone = range(len(claims))
    if rule == "most_precise":
        ranked = sorted(everyone, key=lambda at: _openness(claims[at].value))
        best = [at for at in ranked if _openness(claims[at].value) == _openness(claims[ranked[0]].value)]
        return _only(best, groups, "the most precise value")
    if rule == "most_recent":
        dated = [at for at in everyone if claims[at].date]
        latest = max((claims[at].date or "" for at in dated), default="")
        best = [at for at in dated if claims[at].date == latest]
        why = f"the latest document, of {latest}" if best else "none of the documents has a date"
    else:
        rated = [at for at in everyone if claims[at].reliability is not None]
        top = max((claims[at].reliability or 0.0 for at in rated), default=0.0)
        best = [at for at in rated if claims[at].reliability == top]
        why = f"the most reliable source, {top:g}" if best else "the sources' reliability is not known"
    if not best and len(groups) == 1:
        return _most(claims, groups)
    return _only(best, groups, why)


def _most(claims: Sequence[Claim], groups: Sequence[Sequence[int]]) -> tuple[int | None, str]:
    """The finest claim of the largest group; of two groups as large, of the clearly more precise one."""
    finest = [_finest(claims, places) for places in groups]
    largest = len(groups[0])
    ties = [at for at, places in zip(finest, groups, strict=True) if len(places) == largest]
    if len(ties) == 1:
        said = (
            f"{largest} of {len(claims)} documents" if len(claims) > 1 else "the only document that answers"
        )
        return ties[0], said
    ranked = sorted(ties, key=lambda at: _openness(claims[at].value))
    first, second = (_openness(claims[at].value) for at in ranked[:2])
    if first <= 0.5 * second and first < second:
        return ranked[0], f"as many documents as for another value ({largest}), but more precise"
    return None, f"{len(ties)} values, each in {largest} of {len(claims)} documents"


def _only(best: Sequence[int], groups: Sequence[Sequence[int]], why: str) -> tuple[int | None, str]:
    """The first of claims that agree; None where they are of several groups."""
    if not best:
        return None, why
    if sum(any(at in places for at in best) for places in groups) > 1:
        return None, f"{why} says several things"
    return best[0], why


def _finest(claims: Sequence[Claim], places: Sequence[int]) -> int:
    """The most precise claim; of equals the longest text, which is a name's fullest form; of those the first."""
    return min(places, key=lambda at: (_openness(claims[at].value), -len(claims[at].value), at))


def _openness(value: str) -> float:
    """How much a value leaves open: days of a date, share of a quantity; infinite where it is neither."""
    found = find_measures(value)
    if len(found) != 1:
        return float("inf")
    one = found[0]
    if one.dimension == "date":
        return one.width + 1.0
    return one.width / abs(one.middle) if one.middle else one.width
