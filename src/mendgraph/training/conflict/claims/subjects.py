"""What documents are about: buildings, vessels, people, events, remedies, measures, methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from mendgraph.training.conflict.claims.attribute import Split
from mendgraph.training.conflict.claims.names import FIRST, places, surnames


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GROUPS: Final = {
    "building": (
        ("the {0} {1}", "the {1} of {0}", "the {1} at {0}"),
        _words(
            "Bridge Library Museum Theatre Observatory Station Mill Lighthouse School Hospital Stadium Tower"
        ),
    ),
    "vessel": (("the {1} {0}",), ("ferry", "barge", "schooner", "trawler", "steamer", "icebreaker")),
    "event": (("{0} {1}", "{1} of {0}", "{1} at {0}"), ["Festival", "Regatta", "Fair", "March", "Parade"]),
    "remedy": (
        ("{0} {1}", "the {1} from {0}"),
        ("tea", "balm", "extract", "syrup", "tincture", "powder", "oil"),
    ),
    "measure": (
        ("the {0} {1}", "the {1} in {0}", "the {1} of {0}"),
        ("tram line", "toll", "bicycle road", "parking fee", "bus lane", "low-speed zone", "night train"),
    ),
    "method": (
        ("the {0} {1}", "the {1} of {0}"),
        ("ploughing", "rotation", "terracing", "mulching", "grazing", "irrigation", "sowing"),
    ),
}
"""Group -> ways to name a subject (``{0}`` place, ``{1}`` kind), the first the plain one; and its kinds.  "person" is
named by its full name alone."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing with a name; `names` are ways to write it, the plain one first."""

    group: str
    names: Sequence[str]

    @property
    def name(self) -> str:
        return self.names[0]


def draw_subject(random: Random, split: Split, group: str) -> Subject:
    if group == "person":
        return Subject(group, (f"{random.choice(FIRST)} {random.choice(surnames(split))}",))
    _, kinds = GROUPS[group]
    return _made(group, random.choice(places(split)), random.choice(kinds))


def draw_neighbour(random: Random, split: Split, subject: Subject) -> Subject:
    """Another subject of the group, half the time with a part of the name in common."""
    while True:
        other = _alike(random, split, subject) if random.random() < 0.5 else None
        other = other or draw_subject(random, split, subject.group)
        if other.name != subject.name:
            return other


def _alike(random: Random, split: Split, subject: Subject) -> Subject:
    if subject.group == "person":
        return Subject("person", (f"{random.choice(FIRST)} {subject.name.split()[-1]}",))
    place, kind = _parts(subject)
    _, kinds = GROUPS[subject.group]
    if random.random() < 0.5:
        return _made(subject.group, place, random.choice(kinds))
    return _made(subject.group, random.choice(places(split)), kind)


def _made(group: str, place: str, kind: str) -> Subject:
    forms, _ = GROUPS[group]
    return Subject(group, tuple(form.format(place, kind) for form in forms))


def _parts(subject: Subject) -> tuple[str, str]:
    """Place and kind of a subject that is no person."""
    _, kinds = GROUPS[subject.group]
    words = subject.name.removeprefix("the ")
    kind = next(kind for kind in kinds if words.startswith(f"{kind} ") or words.endswith(f" {kind}"))
    return words.removeprefix(f"{kind} ").removesuffix(f" {kind}"), kind
