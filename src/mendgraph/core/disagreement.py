"""What documents that were read one by one say together: whether they contradict each other, and on what level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mendgraph.core.answers import agreeing_groups, normal_form
from mendgraph.core.quantities import find_measures
from mendgraph.core.units import DATE
from mendgraph.errors import DataError

__all__ = ["disagreement", "level_between"]

_STANCES: Final = frozenset({"yes", "no", "disputed"})
_OF_NAMES: Final = ("entity", "temporal")
"""Levels on which names can differ: two people, or one office at two times."""


def disagreement(values: Sequence[str | None], probabilities: Sequence[float]) -> float:
    """How likely it is, in [0, 1], that two of the documents say different things.

    The surest pair that disagrees decides: the product of both probabilities.  Where all agree, what is left is the
    chance that the least sure document was misread, at most one half.

    Args:
        values: of each document; None where it says nothing.
        probabilities: that it says just this, or nothing.

    Raises:
        DataError: not as many probabilities as values.
    """
    if len(values) != len(probabilities):
        raise DataError(f"{len(values)} values with {len(probabilities)} probabilities")
    if len(values) < 2:
        return 0.0
    said = [(value, sure) for value, sure in zip(values, probabilities, strict=True) if value is not None]
    best: dict[int, float] = {}
    for group, (_, sure) in zip(agreeing_groups([value for value, _ in said]), said, strict=True):
        best[group] = max(best.get(group, 0.0), sure)
    if len(best) > 1:
        first, second = sorted(best.values(), reverse=True)[:2]
        return max(0.5, first * second)
    return 0.5 * (1.0 - min(probabilities))


def level_between(values: Sequence[str], shares: Mapping[str, float]) -> str:
    """The level on which values differ, by what most of them are: dates, quantities, yes or no, or names.

    Args:
        shares: level -> share, which decides where names can differ on two levels.

    Raises:
        DataError: no values.
    """
    if not values:
        raise DataError("no values, so no level on which they differ")
    kinds = [_kind(value) for value in values]
    kind = max(dict.fromkeys(kinds), key=kinds.count)
    if kind != "entity":
        return kind
    return max(_OF_NAMES, key=lambda level: (shares.get(level, 0.0), level == "entity"))


def _kind(value: str) -> str:
    if normal_form(value) in _STANCES:
        return "semantic"
    measures = find_measures(value)
    if not measures:
        return "entity"
    return "temporal" if measures[0].dimension == DATE else "numerical"
