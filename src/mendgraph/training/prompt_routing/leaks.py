"""Prompts that are the same, or nearly: found before a split, reported after one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.core.text import simplify

__all__ = ["LeakReport", "families", "leak_report"]

RUN = 5
"""Words in a row that make one shingle (Broder, 1997)."""

SHARED = 0.6
"""Share of the shorter prompt's telling shingles that the longer one must have too."""

FEWEST = 4
"""Shingles that near duplicates share at least: short questions differ by the one word that matters."""

COMMON = 12
"""A shingle of more prompts than this is a template ("which of the following statements about"), not a quotation."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class LeakReport:
    """Prompts of a held-out part that another part has too.

    Attributes:
        held: prompts held out.
        exact: of them, those with a prompt of the same letters and digits in the other part.
        near: of the rest, those with a near duplicate there.
        examples: up to 5 pairs of near duplicates (other part, held out), cut to 100 characters.
    """

    held: int
    exact: int
    near: int
    examples: tuple[tuple[str, str], ...]


def families(prompts: Sequence[str]) -> IntArray:
    """(N,) the position of the first prompt of each one's family: equal prompts and near duplicates, transitively."""
    parent = list(range(len(prompts)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    first: dict[str, int] = {}
    for at, prompt in enumerate(prompts):
        one, other = root(at), root(first.setdefault(simplify(prompt), at))
        parent[max(one, other)] = min(one, other)
    for at, like in _near(prompts):
        one, other = root(at), root(like)
        parent[max(one, other)] = min(one, other)
    return np.array([root(at) for at in range(len(prompts))], dtype=np.int64)


def leak_report(others: Sequence[str], held: Sequence[str]) -> LeakReport:
    """What of `held` stands in `others` too."""
    known = {simplify(prompt) for prompt in others}
    exact = {at for at, prompt in enumerate(held) if simplify(prompt) in known}
    found = families([*others, *held])
    first: dict[int, int] = {}
    for at, family in enumerate(found[: len(others)].tolist()):
        first.setdefault(family, at)
    near = [
        (first[family], at)
        for at, family in enumerate(found[len(others) :].tolist())
        if family in first and at not in exact
    ]
    examples = tuple((others[one][:100], held[at][:100]) for one, at in near[:5])
    return LeakReport(len(held), len(exact), len(near), examples)


def _near(prompts: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (later, earlier) that share `SHARED` of the shorter one's telling shingles."""
    every = [_shingles(prompt) for prompt in prompts]
    where: Mapping[int, list[int]] = defaultdict(list)
    for at, shingles in enumerate(every):
        for shingle in shingles:
            where[shingle].append(at)
    telling = [{shingle for shingle in shingles if len(where[shingle]) <= COMMON} for shingles in every]
    pairs = []
    for at, shingles in enumerate(telling):
        met: dict[int, int] = defaultdict(int)
        for shingle in shingles:
            for other in where[shingle]:
                if other < at:
                    met[other] += 1
        for other, count in met.items():
            if count >= max(FEWEST, SHARED * min(len(shingles), len(telling[other]))):
                pairs.append((at, other))
    return pairs


def _shingles(prompt: str) -> set[int]:
    """Of the words alone, so that case, spaces and punctuation do not count."""
    words = [crc32(word.encode("utf-8", "replace")) for word in _WORD.findall(prompt.casefold())]
    found: set[int] = set()
    for start in range(len(words) - RUN + 1):
        key = 0
        for word in words[start : start + RUN]:
            key = (key * 1_000_003 ^ word) & 0xFFFFFFFFFFFF
        found.add(key)
    return found
