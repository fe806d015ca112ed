"""Rows that are a client's turn and a counsellor's response, and what a tier says about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mendgraph.adapters.outcomes import outcome
from mendgraph.core.arrays import FloatArray
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import InputError

__all__ = ["Pair", "answered"]

Pair = tuple[str, str]
"""(prompt, response)."""


def answered(
    tier: str,
    labels: Sequence[str],
    rows: Sequence[Input],
    judge: Callable[[Sequence[Pair]], tuple[FloatArray, FloatArray]],
) -> list[Prediction | Failure]:
    """One prediction per row, with its score and level as value; a failure where a row has no prompt.

    Args:
        judge: N pairs, N >= 1, to probabilities of the levels (N, L) and scores (N,).
    """
    pairs = {
        place: (prompt, row.text)
        for place, row in enumerate(rows)
        if isinstance(prompt := row.facts.get("prompt"), str)
    }
    if not pairs:
        return [_no_prompt() for _ in rows]
    chances, scores = judge(list(pairs.values()))
    found = {
        place: _valued(outcome(tier, labels, row), score)
        for place, row, score in zip(pairs, chances.tolist(), scores.tolist(), strict=True)
    }
    return [found.get(place) or _no_prompt() for place in range(len(rows))]


def _valued(found: Prediction | Failure, score: float) -> Prediction | Failure:
    if isinstance(found, Failure):
        return found
    return replace(found, value={"score": score, "level": found.label})


def _no_prompt() -> Failure:
    return Failure.of(
        InputError("the row has no prompt", hint='give {"prompt": ..., "response": ...}, or a pair')
    )
