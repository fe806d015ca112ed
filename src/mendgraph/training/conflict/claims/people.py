"""Names that disagree, each in the forms a document may give it."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from mendgraph.training.conflict.claims.attribute import Split
from mendgraph.training.conflict.claims.names import FIRST, companies, countries, places, surnames
from mendgraph.training.conflict.claims.surface import Surface

_INITIALS: Final = "ABCDEFGHJKLMNOPRSTW"


def person_values(random: Random, split: Split, count: int) -> list[Sequence[Surface]]:
    """Mostly other surnames; else one surname with other first names, or one first name with other surnames."""
    apart = random.choices(("both", "first", "last"), (55, 20, 25))[0]
    firsts, lasts = random.sample(FIRST, count), random.sample(surnames(split), count)
    if apart == "first":
        lasts = lasts[:1] * count
    elif apart == "last":
        firsts = firsts[:1] * count
    initials = {name[0] for name in firsts}
    short = apart != "first" or len(initials) == count
    return [
        _person(random, first, last, initial=short, alone=apart != "first")
        for first, last in zip(firsts, lasts, strict=True)
    ]


def company_values(random: Random, split: Split, count: int) -> list[Sequence[Surface]]:
    found: list[Sequence[Surface]] = []
    for name in random.sample(companies(split), count):
        forms = [name, f"the firm of {name}", f"the company {name}"]
        if "&" in name:
            forms.append(name.replace("&", "and"))
        found.append([Surface(form) for form in forms])
    return found


def town_values(random: Random, split: Split, count: int) -> list[Sequence[Surface]]:
    names = random.sample(places(split), count)
    return [[Surface(name), Surface(f"the town of {name}"), Surface(f"nearby {name}")] for name in names]


def country_values(random: Random, split: Split, count: int) -> list[Sequence[Surface]]:
    names = random.sample(countries(split), count)
    return [[Surface(name), Surface(f"the state of {name}")] for name in names]


def _person(random: Random, first: str, last: str, *, initial: bool, alone: bool) -> Sequence[Surface]:
    """
    Args:
        initial: the first name's initial may stand for it.
        alone: so may the surname.
    """
    forms = [f"{first} {last}", f"{first} {random.choice(_INITIALS)}. {last}", f"Dr {first} {last}"]
    if initial:
        forms.append(f"{first[0]}. {last}")
    if alone:
        forms.append(f"Dr {last}")
    return [Surface(form) for form in forms]
