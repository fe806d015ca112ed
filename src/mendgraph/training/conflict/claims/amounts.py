"""Quantities that disagree, each in the units and roundings a document may give it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

from mendgraph.core.quantities import spelled
from mendgraph.training.conflict.claims.surface import Surface

APART: Final = 1.15
"""Least ratio of two quantities that contradict each other; roundings stay within 5 %."""
_FACTORS: Final = (1.16, 1.2, 1.25, 1.4, 1.5, 2.0, 3.0)
_LARGEST_SPELLED: Final = 999
_ABOUT: Final = ("about", "roughly", "some")

# Metres, kilograms, square metres per unit.
FOOT, MILE, POUND, ACRE, HECTARE = 0.3048, 1609.344, 0.45359237, 4046.8564224, 10_000.0


def amount_values(
    random: Random, dimension: str, low: float, high: float, count: int
) -> list[Sequence[Surface]]:
    """`count` quantities, any two at least `APART`, with forms that agree among themselves.

    Args:
        dimension: of `DIMENSIONS`.
        low, high: in metres, kilograms, square metres, minutes, kilometres, or pieces.
    """
    first = math.exp(random.uniform(math.log(low), math.log(high)))
    drawn = [first]
    while len(drawn) < count:
        factor = random.choice(_FACTORS)
        other = random.choice(drawn) * (factor if random.random() < 0.5 else 1 / factor)
        if other >= 10 and all(max(other, one) / min(other, one) >= APART for one in drawn):
            drawn.append(other)
    return [DIMENSIONS[dimension](random, one) for one in drawn]


def _length(random: Random, metres: float) -> Sequence[Surface]:
    metres = round(metres, 1)
    whole = round(metres)
    return [
        _exact(f"{metres:,.1f} metres", 0.05, metres),
        _exact(f"{whole:,} metres", 0.5, metres),
        _exact(f"{whole} m", 0.5, metres),
        _exact(f"{round(metres / FOOT):,} feet", 0.5 * FOOT, metres),
        _exact(f"{round(metres / FOOT)} ft", 0.5 * FOOT, metres),
        *_in_words(whole, "metres"),
        _about(random, metres, "metres"),
        _about(random, metres / FOOT, "feet"),
    ]


def _distance(random: Random, kilometres: float) -> Sequence[Surface]:
    kilometres = round(kilometres, 1)
    mile = MILE / 1000
    return [
        _exact(f"{kilometres:,.1f} km", 0.05, kilometres),
        _exact(f"{round(kilometres):,} kilometres", 0.5, kilometres),
        _exact(f"{kilometres / mile:,.1f} miles", 0.05 * mile, kilometres),
        *_in_words(round(kilometres), "kilometres"),
        _about(random, kilometres, "kilometres"),
        _about(random, kilometres / mile, "miles"),
    ]


def _mass(random: Random, kilograms: float) -> Sequence[Surface]:
    whole = round(kilograms)
    return [
        _exact(f"{whole:,} kg", 0.5, whole),
        _exact(f"{whole / 1000:,.1f} tonnes", 50.0, whole),
        _exact(f"{round(whole / POUND):,} pounds", 0.5 * POUND, whole),
        *_in_words(round(whole / 1000), "tonnes", 500.0 / whole),
        _about(random, whole / 1000, "tonnes"),
        _about(random, whole / POUND, "pounds"),
    ]


def _area(random: Random, square_metres: float) -> Sequence[Surface]:
    whole = round(square_metres)
    return [
        _exact(f"{whole:,} square metres", 0.5, whole),
        _exact(f"{whole / HECTARE:,.2f} hectares", 0.005 * HECTARE, whole),
        _exact(f"{whole / ACRE:,.1f} acres", 0.05 * ACRE, whole),
        _about(random, whole / HECTARE, "hectares"),
        _about(random, whole / ACRE, "acres"),
    ]


def _duration(random: Random, minutes: float) -> Sequence[Surface]:
    whole = round(minutes)
    hours, rest = divmod(whole, 60)
    found = [
        _exact(f"{whole} minutes", 0.5, whole),
        *_in_words(whole, "minutes"),
        _about(random, whole, "minutes"),
        _about(random, whole / 60, "hours"),
    ]
    if hours and rest > 1:
        found.append(_exact(f"{hours} {'hour' if hours == 1 else 'hours'} and {rest} minutes", 0.5, whole))
    return found


def _count(random: Random, pieces: float) -> Sequence[Surface]:
    whole = round(pieces)
    return [
        _exact(f"{whole:,}", 0.5, whole),
        _exact(f"{whole}", 0.5, whole),
        _exact(f"exactly {whole:,}", 0.5, whole),
        *_in_words(whole, ""),
        _about(random, whole, ""),
        _about(random, whole, ""),
    ]


Forms = Callable[[Random, float], Sequence[Surface]]
DIMENSIONS: Final[Mapping[str, Forms]] = {
    "length": _length,
    "distance": _distance,
    "mass": _mass,
    "area": _area,
    "duration": _duration,
    "count": _count,
}


def _exact(text: str, half: float, amount: float) -> Surface:
    """
    Args:
        half: half a unit of the last digit shown, in the unit of `amount`.
    """
    return Surface(text, half / amount)


def _about(random: Random, amount: float, unit: str) -> Surface:
    """Rounded to two digits, and said so."""
    digits = 1 - math.floor(math.log10(amount))
    shown = round(amount, digits)
    text = f"{shown:,.{max(digits, 0)}f}".removesuffix(".0")
    return Surface(f"{random.choice(_ABOUT)} {text} {unit}".rstrip(), 0.5 * 10.0**-digits / amount)


def _in_words(whole: int, unit: str, width: float | None = None) -> Sequence[Surface]:
    if not 0 < whole <= _LARGEST_SPELLED:
        return ()
    return (Surface(f"{spelled(whole)} {unit}".rstrip(), 0.5 / whole if width is None else width),)
