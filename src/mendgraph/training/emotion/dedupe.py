"""Duplicates within a split and leaks across splits, by simplified text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mendgraph.core.text import clean, simplify
from mendgraph.errors import InputError
from mendgraph.training.emotion.sources import Example


@dataclass(frozen=True, slots=True)
class Keyed:
    """An example and the key under which it counts as a duplicate of another."""

    key: str
    example: Example


def text_key(text: str) -> str:
    """Letters and digits of the cleaned text, casefolded; raises `InputError` if there is nothing to read."""
    return simplify(clean(text).text)


def keyed(examples: Iterable[Example]) -> tuple[list[Keyed], int]:
    """The readable examples with their keys, and how many were unreadable."""
    rows: list[Keyed] = []
    unreadable = 0
    for example in examples:
        try:
            rows.append(Keyed(text_key(example.text), example))
        except InputError:
            unreadable += 1
    return rows, unreadable


def distinct_for_training(rows: Sequence[Keyed]) -> list[Keyed]:
    """One row per text *and* label set.

    A text that annotators labelled in two ways stays twice: in training their disagreement is a soft label.
    """
    seen: set[tuple[str, str | None, str]] = set()
    kept = []
    for row in rows:
        identity = (row.key, row.example.label8, row.example.labels28)
        if identity not in seen:
            seen.add(identity)
            kept.append(row)
    return kept


def distinct_for_evaluation(rows: Sequence[Keyed]) -> tuple[list[Keyed], int]:
    """One row per text, with its majority label; and how many rows were dropped for a tie.

    A text with two equally frequent labels has no right answer to score against.
    """
    groups: dict[str, list[Keyed]] = defaultdict(list)
    for row in rows:
        groups[row.key].append(row)
    kept, ties = [], 0
    for group in groups.values():
        votes = Counter(row.example.label8 for row in group).most_common(2)
        if len(votes) == 2 and votes[0][1] == votes[1][1]:
            ties += len(group)
            continue
        kept.append(next(row for row in group if row.example.label8 == votes[0][0]))
    return kept, ties


def without(rows: Sequence[Keyed], forbidden: Iterable[str]) -> list[Keyed]:
    """The rows whose key is not forbidden."""
    keys = frozenset(forbidden)
    return [row for row in rows if row.key not in keys]
