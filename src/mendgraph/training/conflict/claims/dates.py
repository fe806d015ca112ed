"""Dates that disagree, each in the forms a document may give it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Final

from mendgraph.training.conflict.claims.surface import Surface


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MONTHS: Final = _words(
    "January February March April May June July August September October November December"
)
_FAR: Final = 15
"""Years between two claims of one date, at most."""


def date_values(random: Random, low: int, high: int, count: int) -> list[Sequence[Surface]]:
    """`count` dates, any two of them contradicting each other, with forms that agree among themselves.

    Mostly the years differ; else the months of one year or the days of one month, and then only forms are used
    that tell them apart.

    Args:
        low, high: years.
    """
    apart = random.choices(("year", "month", "day"), (60, 20, 20))[0] if count > 1 else "year"
    year, month = random.randint(low, high), random.randint(1, 12)
    if apart == "year":
        near = [y for y in range(max(low, year - _FAR), min(high, year + _FAR) + 1) if y != year]
        years = [year, *random.sample(near, count - 1)]
        drawn = [date(y, random.randint(1, 12), random.randint(1, 28)) for y in years]
    elif apart == "month":
        drawn = [date(year, m, random.randint(1, 28)) for m in random.sample(range(1, 13), count)]
    else:
        drawn = [date(year, month, d) for d in random.sample(range(1, 29), count)]
    least = {"year": 1, "month": 2, "day": 3}[apart]
    return [_forms(one, least) for one in drawn]


def _forms(one: date, least: int) -> Sequence[Surface]:
    """
    Args:
        least: parts of the date that every form must have: year; month and year; day, month and year.
    """
    month = _MONTHS[one.month - 1]
    found = [
        Surface(f"{one.day} {month} {one.year}", 1.0, "on "),
        Surface(f"{month} {one.day}, {one.year}", 1.0, "on "),
        Surface(one.isoformat(), 1.0, "on "),
        Surface(f"the {_ordinal(one.day)} of {month} {one.year}", 1.0, "on "),
    ]
    if least < 3:
        found.append(Surface(f"{month} {one.year}", 31.0, "in "))
    if least < 2:
        found.append(Surface(str(one.year), 366.0, "in "))
    return found


def _ordinal(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
