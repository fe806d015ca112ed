"""One epoch's batches: all responses of some prompts, and reflections that belong to other prompts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.config import ReflectionTrainingSpec
from mendgraph.training.reflection.corpus import Group
from mendgraph.training.reflection.losses import MISMATCH

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """B pairs: texts, level or `MISMATCH`, and the number of the prompt within the batch."""

    pairs: tuple[Pair, ...]
    levels: tuple[int, ...]
    owners: tuple[int, ...]


class Batches:
    """Draws every epoch anew, from the seed and the epoch's number alone.

    The mismatches of a prompt come from a pool of ``mismatch_pool`` reflections, half of them of prompts of its
    topic.  Which ones is decided by a hash of the texts, so that the pools of two folds are mostly the same
    and what was computed for one serves the other.
    """

    def __init__(self, groups: Sequence[Group], settings: ReflectionTrainingSpec) -> None:
        self.groups = tuple(groups)
        self.settings = settings
        self._pools = [self._pool(group) for group in self.groups] if settings.mismatches else []

    def __len__(self) -> int:
        return -(-len(self.groups) // self.settings.batch_prompts)

    def epoch(self, number: int) -> Iterator[Batch]:
        noise = np.random.default_rng((self.settings.seed, number))
        order = noise.permutation(len(self.groups)).tolist()
        for start in range(0, len(order), self.settings.batch_prompts):
            yield self._batch(order[start : start + self.settings.batch_prompts], noise)

    def own_pairs(self) -> list[Pair]:
        """Every response with its own prompt."""
        return [(self._prompt(group), text) for group in self.groups for text, _ in group.responses]

    def pairs(self) -> list[Pair]:
        """Every pair that any epoch may draw, once."""
        drawn = [
            (self._prompt(group), text)
            for group, pool in zip(self.groups, self._pools, strict=bool(self._pools))
            for text in pool
        ]
        return list(dict.fromkeys([*self.own_pairs(), *drawn]))

    def _prompt(self, group: Group) -> str:
        return "" if self.settings.blind else group.prompt

    def _batch(self, members: Sequence[int], noise: np.random.Generator) -> Batch:
        pairs: list[Pair] = []
        levels: list[int] = []
        owners: list[int] = []
        for owner, at in enumerate(members):
            group = self.groups[at]
            pool = self._pools[at] if self._pools else ()
            count = min(self.settings.mismatches, len(pool))
            drawn = noise.choice(len(pool), size=count, replace=False).tolist() if count else []
            found = [*group.responses, *((pool[place], MISMATCH) for place in drawn)]
            pairs += [(self._prompt(group), text) for text, _ in found]
            levels += [level for _, level in found]
            owners += [owner] * len(found)
        return Batch(tuple(pairs), tuple(levels), tuple(owners))

    def _pool(self, group: Group) -> tuple[str, ...]:
        others = [other for other in self.groups if other.family != group.family]
        size = self.settings.mismatch_pool
        near = _first(group, [other for other in others if other.topic == group.topic], size // 2)
        far = _first(group, [other for other in others if other.topic != group.topic], size - len(near))
        return tuple(dict.fromkeys(near + far))


def _first(group: Group, others: Sequence[Group], count: int) -> list[str]:
    """`count` reflections, one of each of as many other prompts: those whose hash with this prompt is lowest."""
    texts = [(_hash(group.prompt, text), other, text) for other in others for text in other.good]
    best: dict[int, str] = {}
    for _, other, text in sorted(texts, key=lambda entry: entry[0]):
        best.setdefault(other.prompt_id, text)
        if len(best) == count:
            break
    return list(best.values())[:count]


def _hash(prompt: str, text: str) -> bytes:
    return hashlib.blake2b(f"{prompt}\0{text}".encode(), digest_size=8).digest()
