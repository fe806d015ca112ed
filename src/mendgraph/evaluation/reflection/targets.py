"""The project's targets for reflection beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping

from mendgraph.evaluation.emotion.targets import Target, Verdict
from mendgraph.evaluation.reflection.shares import Share
from mendgraph.evaluation.report import between

BOUNDS = {"H>M": (0.88, 0.94), "M>L": (0.96, 0.98), "H>L": (0.99, 0.995), "swap": (0.80, 0.92)}
"""Comparison -> what must be reached, and what is aimed at."""


def q5(found: Mapping[str, Share]) -> list[Target]:
    """One line for each comparison; the share itself is judged, not its interval."""
    return [
        Target(
            "Q5",
            f"{kind}, prompts unseen in training",
            f">= {must:g}",
            f">= {aim:g}",
            between(found[kind].value, found[kind].interval),
            _verdict(found[kind].value, must, aim),
        )
        for kind, (must, aim) in BOUNDS.items()
        if kind in found
    ]


def _verdict(value: float, must: float, aim: float) -> Verdict:
    if value < must:
        return "not met"
    return "aim met" if value >= aim else "must met"
