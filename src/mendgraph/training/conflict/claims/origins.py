"""Where documents come from: dates and sources, and how their headers write them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from mendgraph.core.sources import RELIABILITY


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_MONTHS: Final = _words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
_FIRST, _LAST = 1990, 2025
_SHOWN_RELIABILITY: Final = 0.3
"""Share of the sets whose headers give the reliability as a number beside the kind of source."""
_UNDATED: Final = 0.05
_UNNAMED: Final = 0.05
"""Shares of the sets without dates, and without sources, where the rule needs none."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Attributes: date: sortable, YYYY[-MM[-DD]]; shown, told: date and source as the header has them, None where it
    has none; source, reliability: what the document knows, whether or not its header says it."""

    date: str
    shown: str | None
    source: str
    told: str | None
    reliability: float


def draw_origins(random: Random, count: int, rule: str) -> Sequence[Origin]:
    """No two documents of a set have one date; several may have one kind of source.

    Args:
        rule: what the rule needs is always in the headers.
    """
    dates = _dates(random, count)
    kinds = [random.choice(list(RELIABILITY)) for _ in range(count)]
    numbers = random.random() < _SHOWN_RELIABILITY
    dated = rule == "most_recent" or random.random() >= _UNDATED
    named = rule == "most_reliable" or random.random() >= _UNNAMED
    found = []
    for (key, shown), kind in zip(dates, kinds, strict=True):
        worth = RELIABILITY[kind]
        source = f"{kind}, reliability {worth}" if numbers else kind
        found.append(Origin(key, shown if dated else None, kind, source if named else None, worth))
    return found


def _dates(random: Random, count: int) -> Sequence[tuple[str, str]]:
    """Sortable and shown, all different; years, months of a few years, or days of a few months."""
    fineness = random.choices(("year", "month", "day"), (60, 25, 15))[0]
    if fineness == "year":
        return [(str(y), str(y)) for y in random.sample(range(_FIRST, _LAST + 1), count)]
    start = random.randint(_FIRST, _LAST - 3)
    if fineness == "month":
        drawn = random.sample(range(36), count)
        pairs = [(start + at // 12, at % 12) for at in drawn]
        return [(f"{y}-{m + 1:02}", f"{_MONTHS[m]} {y}") for y, m in pairs]
    first = date(start, 1, 1)
    days = [first + timedelta(days=at) for at in random.sample(range(400), count)]
    return [(day.isoformat(), day.isoformat()) for day in days]
