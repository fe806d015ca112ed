"""Rows that are a client's turn and a counsellor's response, and what a tier says about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mendgraph.adapters.outcomes import outcome
from mendgraph.adapters.tokens import TextTokenizer, Tokens
from mendgraph.core.arrays import FloatArray
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import InputError
from mendgraph.runtime.notes import note

__all__ = ["CUT", "Pair", "answered", "note_cuts"]

Pair = tuple[str, str]
"""(prompt, response)."""

CUT = "longest_first"
"""What gives way when a pair is longer than a model reads: tokens at the end of the longer text."""


def note_cuts(tokenizer: TextTokenizer, pairs: Sequence[Pair], tokens: Tokens, max_length: int) -> None:
    """Puts into the trail's notes which of the pairs were cut.

    Args:
        tokens: of `pairs` first, and perhaps of others, cut to `max_length`.
    """
    full = [pair for pair, ids in zip(pairs, tokens.ids, strict=False) if len(ids) == max_length]
    longer = [size for size in tokenizer.lengths(full) if size > max_length] if full else []
    if longer:
        which = "the pair was" if len(pairs) == 1 else f"{len(longer):,} of {len(pairs):,} pairs were"
        most = f"{max(longer):,}" if len(longer) == 1 else f"up to {max(longer):,}"
        note(
            f"{which} longer than the {max_length:,} tokens that are read ({most}): the longer turn lost its end"
        )


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
