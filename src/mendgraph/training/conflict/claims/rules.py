"""Which claim answers the question: the stated rules, over what the documents really claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mendgraph.training.conflict.claims.attribute import Slot

DEFAULT: Final[Mapping[Slot, str]] = {
    "date": "most_recent",
    "office": "most_recent",
    "quantity": "majority",
    "entity": "most_reliable",
    "stance": "both_sides",
}
"""The rule where the question names none."""

CAN_BE_ASKED: Final[Mapping[Slot, Sequence[str]]] = {
    "date": ("majority", "most_recent", "most_reliable", "most_precise"),
    "office": ("majority", "most_recent", "most_reliable"),
    "quantity": ("majority", "most_recent", "most_reliable", "most_precise"),
    "entity": ("majority", "most_recent", "most_reliable"),
    "stance": ("majority", "most_recent", "most_reliable"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One document's claim: which of the set's values, how finely, when, by how reliable a source."""

    value: int
    width: float
    date: str
    reliability: float


def winner(rule: str, claims: Sequence[Said]) -> int | None:
    """Place of the claim that answers; None where the rule does not decide.

    A majority is one of values: its finest claim answers, the first of equals; equal groups are told apart by their
    finest claims.
    """
    if rule == "majority":
        return _majority(claims)
    if rule == "most_precise":
        ranked = sorted(range(len(claims)), key=lambda at: claims[at].width)
        finest, next_finest = claims[ranked[0]], claims[ranked[1]]
        return ranked[0] if finest.width <= 0.5 * next_finest.width else None
    if rule == "most_recent":
        latest = max(claim.date for claim in claims)
        best = [at for at, claim in enumerate(claims) if claim.date == latest]
    else:
        top = max(claim.reliability for claim in claims)
        best = [at for at, claim in enumerate(claims) if claim.reliability == top]
    return best[0] if len(best) == 1 else None


def _majority(claims: Sequence[Said]) -> int | None:
    groups: dict[int, list[int]] = {}
    for at, claim in enumerate(claims):
        groups.setdefault(claim.value, []).append(at)
    finest = {value: min(places, key=lambda at: claims[at].width) for value, places in groups.items()}
    ranked = sorted(groups, key=lambda value: (-len(groups[value]), claims[finest[value]].width))
    if len(ranked) > 1 and len(groups[ranked[0]]) == len(groups[ranked[1]]):
        first, second = (claims[finest[value]].width for value in ranked[:2])
        if first > 0.5 * second or second == 0:
            return None
    return finest[ranked[0]]
