"""Pair accuracies by level, with and without a control of length, and the prompt-swap control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.training.reflection.corpus import Group
from mendgraph.training.reflection.levels import HIGH, LOW, MEDIUM

KINDS = {"H>M": (HIGH, MEDIUM), "M>L": (MEDIUM, LOW), "H>L": (HIGH, LOW)}
"""Name -> (better level, worse level)."""

TOLERANCE = 0.2
"""Two responses are of one length when the shorter has at least 80 % of the words of the longer."""

SWAPS = 4
"""Wrong prompts that each reflection is put with."""


@dataclass(frozen=True, slots=True)
class Lead:
    """One comparison: which prompt it is of, its kind, whether the better one leads, and the lengths' ratio.

    Attributes:
        won: 1 when the better response scores higher, .5 on a tie, else 0.
        matched: the two have like lengths; always True for swaps, whose response is the same.
    """

    prompt_id: int
    kind: str
    won: float
    matched: bool


@dataclass(frozen=True, slots=True)
class Swap:
    """A reflection with a prompt that is not its own; `place` is its index in `Group.good`."""

    prompt_id: int
    place: int
    wrong_id: int
    same_topic: bool


def swaps(groups: Sequence[Group], seed: int, count: int = SWAPS) -> list[Swap]:
    """For each reflection `count` wrong prompts, half of them of the same topic where there are enough."""
    noise = np.random.default_rng(seed)
    found: list[Swap] = []
    for group in groups:
        others = [other for other in groups if other.family != group.family]
        near = [other.prompt_id for other in others if other.topic == group.topic]
        far = [other.prompt_id for other in others if other.topic != group.topic]
        half = min(len(near), count // 2)
        for place in range(len(group.good)):
            for among, size in ((near, half), (far, min(len(far), count - half))):
                chosen = noise.choice(len(among), size=size, replace=False).tolist() if size else []
                found += [Swap(group.prompt_id, place, among[at], among is near) for at in chosen]
    return found


def swapped_pairs(groups: Sequence[Group], drawn: Sequence[Swap]) -> list[tuple[str, str]]:
    """(wrong prompt, response) of each swap."""
    by_number = {group.prompt_id: group for group in groups}
    return [(by_number[swap.wrong_id].prompt, by_number[swap.prompt_id].good[swap.place]) for swap in drawn]


def leads(groups: Sequence[Group], scores: Sequence[FloatArray]) -> list[Lead]:
    """Every pair of responses of different level to one prompt.

    Args:
        scores: per group, one number for each of `Group.responses`.
    """
    found: list[Lead] = []
    for group, numbers in zip(groups, scores, strict=True):
        rows = list(zip(group.responses, numbers.tolist(), strict=True))
        for kind, (better, worse) in KINDS.items():
            found += [
                Lead(group.prompt_id, kind, _won(a, b), like_length(one, other))
                for (one, level), a in rows
                if level == better
                for (other, lower), b in rows
                if lower == worse
            ]
    return found


def swap_leads(
    groups: Sequence[Group], scores: Sequence[FloatArray], drawn: Sequence[Swap], swapped: FloatArray
) -> list[Lead]:
    """The same response with its own prompt against it with each wrong one; kinds ``swap``, ``swap, same topic``."""
    # `Group.responses` begins with the good ones
    own = {group.prompt_id: numbers for group, numbers in zip(groups, scores, strict=True)}
    found: list[Lead] = []
    for swap, score in zip(drawn, swapped.tolist(), strict=True):
        won = _won(float(own[swap.prompt_id][swap.place]), score)
        found.append(Lead(swap.prompt_id, "swap", won, True))
        if swap.same_topic:
            found.append(Lead(swap.prompt_id, "swap, same topic", won, True))
    return found


def accuracies(found: Sequence[Lead]) -> Mapping[str, float]:
    """Kind -> share of comparisons won."""
    kinds = dict.fromkeys(lead.kind for lead in found)
    return {kind: float(np.mean([lead.won for lead in found if lead.kind == kind])) for kind in kinds}


def words(text: str) -> int:
    return len(text.split())


def like_length(one: str, other: str, tolerance: float = TOLERANCE) -> bool:
    shorter, longer = sorted((words(one), words(other)))
    return shorter >= (1 - tolerance) * longer


def _won(better: float, worse: float) -> float:
    return 0.5 if better == worse else float(better > worse)
