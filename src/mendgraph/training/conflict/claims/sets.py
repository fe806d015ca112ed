"""Claim sets: a question, documents that agree or disagree about it, and the answer by a stated rule.

A set with a conflict and one without are drawn alike: as many documents, as many of them about something else, as many
ways to write the values.  What tells them apart is whether those values can all be true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from mendgraph.core.conflict import Document
from mendgraph.training.conflict.claims.amounts import amount_values
from mendgraph.training.conflict.claims.attribute import Attribute, Slot, Split
from mendgraph.training.conflict.claims.dated import DATED
from mendgraph.training.conflict.claims.dates import date_values
from mendgraph.training.conflict.claims.disputed import DISPUTED
from mendgraph.training.conflict.claims.frames import CUES
from mendgraph.training.conflict.claims.measured import MEASURED
from mendgraph.training.conflict.claims.named import NAMED
from mendgraph.training.conflict.claims.origins import Origin, draw_origins
from mendgraph.training.conflict.claims.paraphrases import PARAPHRASES
from mendgraph.training.conflict.claims.paraphrases.train_only import TRAIN_ONLY
from mendgraph.training.conflict.claims.people import (
    company_values,
    country_values,
    person_values,
    town_values,
)
from mendgraph.training.conflict.claims.rules import CAN_BE_ASKED, DEFAULT, Said, winner
from mendgraph.training.conflict.claims.subjects import Subject, draw_neighbour, draw_subject
from mendgraph.training.conflict.claims.surface import Surface
from mendgraph.training.conflict.claims.writing import Written, argued, heading, mention, told

__all__ = ["ATTRIBUTES", "BOTH", "TRAIN_ONLY", "ClaimSet", "claim_sets"]

ATTRIBUTES: Final = tuple(
    replace(one, more=PARAPHRASES.get(one.name)) for one in (*DATED, *MEASURED, *NAMED, *DISPUTED)
)
"""What every split knows."""
LEVEL_OF: Final[dict[Slot, str]] = {
    "date": "temporal",
    "office": "temporal",
    "quantity": "numerical",
    "entity": "entity",
    "stance": "semantic",
}
BOTH: Final = "disputed"
"""The answer that names both sides of a dispute."""

_SLOTS: Final[dict[Slot, float]] = {
    "date": 0.16,
    "office": 0.09,
    "quantity": 0.25,
    "entity": 0.25,
    "stance": 0.25,
}
_KNOWN: Final[Mapping[Split, Sequence[Attribute]]] = {
    "train": (*ATTRIBUTES, *TRAIN_ONLY),
    "dev": ATTRIBUTES,
    "test": ATTRIBUTES,
}
_CONFLICTS: Final = 2 / 3
_ASKED: Final = 0.5
"""Share of the questions that name their rule."""
_CLAIMS: Final = {True: {2: 30, 3: 30, 4: 25, 5: 15}, False: {2: 45, 3: 30, 4: 18, 5: 7}}
_OTHERS: Final = {True: {0: 12, 1: 33, 2: 35, 3: 20}, False: {0: 4, 1: 24, 2: 37, 3: 35}}
_OTHER_SUBJECT: Final = {True: 0.65, False: 0.4}
"""With a conflict and without, so that what can be counted is alike: a set without one has fewer values for its
question, and more documents that give the same subject other values."""
_MOST: Final = 7
_UNPOPULAR: Final = 0.5
"""Share of the answers that agree with the most frequent value, though the rule is another, that are drawn again."""
_THREE_SIDES: Final = 0.25


@dataclass(frozen=True, slots=True)
class ClaimSet:
    """One question with its documents.

    Attributes:
        id: unique; it begins with the split.
        answers: what each document says about the question; None where it says nothing.
        gold: the answer by `rule`; for a dispute where both sides are to be told, `BOTH`.
        rule: majority, most_recent, most_reliable, most_precise or both_sides.
        asked: whether the question names the rule; else the kind of claim determines it.
        level: of `LEVELS`; "none" without a conflict.
        slot: kind of value: date, office, quantity, entity or stance.
        spans: where each document's text has the claimed value, or the clause that takes a stance.
        groups: which of the answers can be true together: documents with the same number; None as in `answers`.
    """

    id: str
    question: str
    documents: Sequence[Document]
    answers: Sequence[str | None]
    gold: str
    rule: str
    asked: bool
    level: str
    slot: str
    conflict: bool
    spans: Sequence[tuple[int, int] | None]
    groups: Sequence[int | None]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A value of the set, written one way."""

    value: int
    surface: Surface


@dataclass(frozen=True, slots=True)
class _Page:
    """A document before it gets its place: its text, and what it claims, if it speaks of the question."""

    written: Written
    origin: Origin
    claim: _Claim | None


def claim_sets(split: Split, count: int, seed: int = 0) -> Iterator[ClaimSet]:
    """`count` sets, the same for the same arguments; a larger count only adds some at the end."""
    for number in range(count):
        yield _draw(Random(f"{seed}/{split}/{number}"), split, f"{split}-{number:06}")


def _draw(random: Random, split: Split, name: str) -> ClaimSet:
    conflict = random.random() < _CONFLICTS
    slot = random.choices(list(_SLOTS), list(_SLOTS.values()))[0]
    attribute = random.choice([one for one in _KNOWN[split] if one.slot == slot])
    subject = draw_subject(random, split, attribute.group)
    asked = random.random() < _ASKED
    rule = random.choice(CAN_BE_ASKED[slot]) if asked else DEFAULT[slot]
    others = _weighed(random, _OTHERS[conflict])
    decided = None
    while decided is None:  # until the rule decides what was drawn
        claims = _claims(random, split, attribute, conflict)
        decided = _decided(random, rule, claims, min(others, _MOST - len(claims)), conflict)
    origins, best = decided
    gold = BOTH if best is None else claims[best].surface.text
    pages = [
        _Page(_claimed(random, split, attribute, subject, claim, _header(random, origin)), origin, claim)
        for claim, origin in zip(claims, origins, strict=False)
    ]
    pages += [
        _Page(
            _other(random, split, attribute, subject, claims, conflict, _header(random, origin)), origin, None
        )
        for origin in origins[len(claims) :]
    ]
    random.shuffle(pages)
    cue = random.choice(CUES[rule][split]) if asked else ""
    question = cue + random.choice(attribute.questions(split)).replace("{s}", mention(random, subject))
    return ClaimSet(
        name,
        question,
        tuple(_document(place, page) for place, page in enumerate(pages, 1)),
        tuple(page.claim.surface.text if page.claim else None for page in pages),
        gold,
        rule,
        asked,
        LEVEL_OF[slot] if conflict else "none",
        slot,
        conflict,
        tuple((page.written.start, page.written.end) if page.claim else None for page in pages),
        tuple(page.claim.value if page.claim else None for page in pages),
    )


def _claims(random: Random, split: Split, attribute: Attribute, conflict: bool) -> list[_Claim]:
    """Claims in two or three parts: with a conflict each has its own value, without it its own way to write one."""
    count = _weighed(random, _CLAIMS[conflict])
    parts = 3 if count > 2 and random.random() < _THREE_SIDES and attribute.slot != "stance" else 2
    sides = [*range(parts), *(random.randrange(parts) for _ in range(count - parts))]
    if attribute.slot == "stance":
        yes = random.random() < 0.5
        stances = [yes, not yes] if conflict else [yes, yes]
        return [_Claim(int(conflict and side), _stance(stances[side])) for side in sides]
    values = _values(random, split, attribute, parts if conflict else 1)
    if conflict:
        first = [random.choice(forms) for forms in values]
    else:
        first = random.sample(values[0], parts) if len(values[0]) >= parts else [*values[0]] * parts
    claims = []
    for side in sides:
        value = side if conflict else 0
        surface = first[side] if random.random() < 0.5 else random.choice(values[value])
        claims.append(_Claim(value, surface))
    return claims


def _values(random: Random, split: Split, attribute: Attribute, count: int) -> list[Sequence[Surface]]:
    low, high = attribute.low, attribute.high
    match attribute.value:
        case "date":
            return date_values(random, int(low), int(high), count)
        case "person":
            return person_values(random, split, count)
        case "company":
            return company_values(random, split, count)
        case "town":
            return town_values(random, split, count)
        case "country":
            return country_values(random, split, count)
        case dimension:
            return amount_values(random, dimension, low, high, count)


def _decided(
    random: Random, rule: str, claims: Sequence[_Claim], others: int, conflict: bool
) -> tuple[Sequence[Origin], int | None] | None:
    """Origins of all documents, claims first, and the place of the claim that answers, None for both sides.

    None where the rule does not decide.
    """
    origins = draw_origins(random, len(claims) + others, rule)
    if rule == "both_sides":
        return origins, None if conflict else 0
    best = winner(rule, [_said(claim, origin) for claim, origin in zip(claims, origins, strict=False)])
    if best is None or (
        conflict and rule != "majority" and _popular(claims, best) and random.random() < _UNPOPULAR
    ):
        return None
    return origins, best


def _popular(claims: Sequence[_Claim], place: int) -> bool:
    """Whether no value is claimed more often than this one."""
    counts = Counter(claim.value for claim in claims)
    return counts[claims[place].value] == max(counts.values())


def _weighed(random: Random, weights: Mapping[int, int]) -> int:
    return random.choices(list(weights), list(weights.values()))[0]


def _said(claim: _Claim, origin: Origin) -> Said:
    return Said(claim.value, claim.surface.width, origin.date, origin.reliability)


def _claimed(
    random: Random, split: Split, attribute: Attribute, subject: Subject, claim: _Claim, header: str
) -> Written:
    if attribute.slot == "stance":
        return argued(random, split, attribute, subject, claim.surface.text == "yes", header)
    return told(random, split, attribute, subject, claim.surface, header)


def _other(
    random: Random,
    split: Split,
    attribute: Attribute,
    subject: Subject,
    claims: Sequence[_Claim],
    conflict: bool,
    header: str,
) -> Written:
    """A document beside the question: the same said of another subject, or something else of the same one."""
    if random.random() < _OTHER_SUBJECT[conflict]:
        subject = draw_neighbour(random, split, subject)
    else:
        stance = attribute.slot == "stance"
        rest = [
            one
            for one in _KNOWN[split]
            if one.group == attribute.group
            and one.name != attribute.name
            and (one.slot == "stance") == stance
        ]
        alike = [one for one in rest if one.value == attribute.value]
        attribute = random.choice(alike or rest)
    if attribute.slot == "stance":
        opposite = claims[0].surface.text == "no"
        yes = opposite if random.random() < 0.7 else not opposite
        return argued(random, split, attribute, subject, yes, header)
    surface = random.choice(_values(random, split, attribute, 1)[0])
    return told(random, split, attribute, subject, surface, header)


def _stance(yes: bool) -> Surface:
    return Surface("yes" if yes else "no")


def _header(random: Random, origin: Origin) -> str:
    return heading(random, origin.shown, origin.told)


def _document(place: int, page: _Page) -> Document:
    known = page.origin.told is not None
    return Document(
        f"d{place}",
        page.written.text,
        page.origin.date if page.origin.shown is not None else None,
        page.origin.source if known else None,
        page.origin.reliability if known else None,
    )
