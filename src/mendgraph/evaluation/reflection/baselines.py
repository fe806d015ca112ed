"""Trivial scorers beside the result, on the same comparisons."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.interviewing import NAMES, cues
from mendgraph.training.reflection.corpus import Group
from mendgraph.training.reflection.features import feature_scores
from mendgraph.training.reflection.folds import FoldResult
from mendgraph.training.reflection.measure import Lead, leads, swap_leads, swapped_pairs, swaps, words

Score = Callable[[str, str], float]

_YOU = re.compile(r"^\W*you\b", re.IGNORECASE)
_SHARED = NAMES.index("echoed")


def _overlap(prompt: str, response: str) -> float:
    return float(cues([(prompt, response)])[0, _SHARED])


RULES: Mapping[str, Score] = {
    "longer": lambda prompt, response: float(words(response)),
    "starts with You": lambda prompt, response: float(_YOU.match(response) is not None),
    "no question mark": lambda prompt, response: float("?" not in response),
    "shares the client's words": _overlap,
}
"""Name -> a score that needs no training."""


def rule_leads(groups: Sequence[Group], seed: int) -> dict[str, list[Lead]]:
    """Name of the rule -> every comparison; wrong prompts are drawn among all prompts."""
    drawn = swaps(groups, seed)
    wrong = swapped_pairs(groups, drawn)
    found = {}
    for name, score in RULES.items():
        own = [np.array([score(group.prompt, text) for text, _ in group.responses]) for group in groups]
        swapped = np.array([score(prompt, text) for prompt, text in wrong])
        found[name] = leads(groups, own) + swap_leads(groups, own, drawn, swapped)
    return found


def feature_leads(groups: Sequence[Group], run: Sequence[FoldResult], vectors: SentenceVectors) -> list[Lead]:
    """The second tier, trained anew outside each fold of one cross-validation."""
    found: list[Lead] = []
    for fold in run:
        inside = set(fold.prompts)
        test = [group for group in groups if group.prompt_id in inside]
        families = {group.family for group in test}
        train = [group for group in groups if group.family not in families]
        drawn = swaps(test, fold.seed)
        own = [(group.prompt, text) for group in test for text, _ in group.responses]
        _, scores = feature_scores(train, [*own, *swapped_pairs(test, drawn)], vectors)
        split = np.split(scores[: len(own)], np.cumsum([len(group.responses) for group in test])[:-1])
        found += leads(test, split) + swap_leads(test, split, drawn, scores[len(own) :])
    return found
