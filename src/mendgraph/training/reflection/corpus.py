"""Responses gathered by prompt, and prompts gathered into families that must not be split."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from mendgraph.core.text import simplify
from mendgraph.errors import DataError
from mendgraph.training.reflection.levels import HIGH, LOW, MEDIUM
from mendgraph.training.reflection.sources import PairRow

NGRAM = 6
"""Prompts with this many words in a row in common are variants of one another."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Group:
    """All responses to one prompt.

    Attributes:
        family: lowest `prompt_id` of those that share a reflection or a run of words; splits keep it whole.
    """

    prompt_id: int
    topic: str
    prompt: str
    high: tuple[str, ...]
    medium: tuple[str, ...]
    low: tuple[str, ...]
    family: int

    @property
    def responses(self) -> tuple[tuple[str, int], ...]:
        """(text, level), best level first; the order that scores of a group are stored in."""
        levels = ((self.high, HIGH), (self.medium, MEDIUM), (self.low, LOW))
        return tuple((text, level) for texts, level in levels for text in texts)

    @property
    def good(self) -> tuple[str, ...]:
        """Reflections, which answer this prompt and hardly any other."""
        return self.high + self.medium


def gather(rows: Iterable[PairRow]) -> tuple[Group, ...]:
    """One group per prompt, in order of `prompt_id`."""
    by_prompt: dict[int, list[PairRow]] = {}
    for row in rows:
        by_prompt.setdefault(row.prompt_id, []).append(row)
    members = [by_prompt[number] for number in sorted(by_prompt)]
    families = _families(members)
    return tuple(
        Group(
            prompt_id=found[0].prompt_id,
            topic=found[0].topic,
            prompt=found[0].prompt,
            high=_of(found, HIGH),
            medium=_of(found, MEDIUM),
            low=_of(found, LOW),
            family=family,
        )
        for found, family in zip(members, families, strict=True)
    )


def leak_free(
    train: Sequence[PairRow], dev: Sequence[PairRow]
) -> tuple[tuple[Group, ...], tuple[Group, ...], int]:
    """Groups of both splits, without the train groups of a family that dev has too; and how many those were."""
    held = {row.prompt_id for row in dev}
    if both := held & {row.prompt_id for row in train}:
        raise DataError(f"prompt {min(both)} is in train and in dev", hint="split by prompt, not by response")
    groups = gather([*train, *dev])
    taken = {group.family for group in groups if group.prompt_id in held}
    kept = tuple(group for group in groups if group.family not in taken)
    shared = sum(group.family in taken and group.prompt_id not in held for group in groups)
    return kept, tuple(group for group in groups if group.prompt_id in held), shared


def digest(groups: Sequence[Group]) -> str:
    """16 hex digits of the content."""
    text = json.dumps([asdict(group) for group in groups], ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _of(rows: Sequence[PairRow], level: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.response for row in rows if row.level == level))


def _families(members: Sequence[Sequence[PairRow]]) -> list[int]:
    """Connected components over shared good responses and shared runs of prompt words."""
    parent = list(range(len(members)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    first: dict[str, int] = {}
    for at, rows in enumerate(members):
        for key in _keys(rows):
            one, other = root(at), root(first.setdefault(key, at))
            parent[max(one, other)] = min(one, other)
    return [members[root(at)][0].prompt_id for at in range(len(members))]


def _keys(rows: Sequence[PairRow]) -> set[str]:
    words = _WORD.findall(rows[0].prompt.casefold())
    runs = {" ".join(words[at : at + NGRAM]) for at in range(max(1, len(words) - NGRAM + 1))}
    return runs | {f"= {simplify(row.response)}" for row in rows if row.level != LOW}
