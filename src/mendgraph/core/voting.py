"""Self-consistency: several sampled answers to one question, counted by what they mean (Wang et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mendgraph.core.answers import agreeing_groups
from mendgraph.errors import DataError

__all__ = ["Vote", "vote"]


@dataclass(frozen=True, slots=True)
class Vote:
    """
    Attributes:
        answer: the winner, in the words that the model finds most probable.
        share: of the samples that say so, in (0, 1].
        counts: of each distinct answer, most frequent first.
    """

    answer: str
    share: float
    counts: tuple[tuple[str, int], ...]


def vote(answers: Sequence[str], log_probabilities: Sequence[float]) -> Vote:
    """Answers that say the same vote together: dates and quantities by value, names by their parts.

    Equal counts are decided by the most probable answer among them, equal ones of these by the first.

    Args:
        log_probabilities: of each whole answer.

    Raises:
        DataError: no answers, or not as many probabilities.
    """
    if not answers or len(answers) != len(log_probabilities):
        raise DataError(
            f"a vote needs answers and their probabilities, got {len(answers)} and {len(log_probabilities)}"
        )
    members: dict[int, list[int]] = {}
    for place, group in enumerate(agreeing_groups(answers)):
        members.setdefault(group, []).append(place)
    best = {
        group: max(places, key=lambda at: (log_probabilities[at], -at)) for group, places in members.items()
    }
    ranked = sorted(
        members, key=lambda group: (-len(members[group]), -log_probabilities[best[group]], best[group])
    )
    return Vote(
        answers[best[ranked[0]]],
        len(members[ranked[0]]) / len(answers),
        tuple((answers[best[group]], len(members[group])) for group in ranked),
    )
