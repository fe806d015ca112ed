"""The answers of a streamed graph run, and word of every row on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mendgraph.cli.background import interruptible
from mendgraph.core.values import Answer

STRIDE = 16
"""Rows settled between two words of progress."""


def answered(events: Iterable[dict[str, Any]], rows: int, advance: Callable[[int], None]) -> list[Answer]:
    """The answers of one run over `rows` rows; `advance` hears of rows as checks settle them, not only at the end."""
    answers: dict[int, Answer] = {}
    settled: set[int] = set()
    told = 0
    for event in interruptible(events):
        if event["event"] == "answer":
            answers[event["row"]] = Answer.from_dict(event["answer"])
            settled.add(event["row"])
        elif event["event"] == "verdict" and event["attempt"]["verdict"] == "accept":
            settled.add(event["row"])
        if len(settled) - told >= STRIDE or len(answers) == rows:
            advance(len(settled) - told)
            told = len(settled)
    return [answers[row] for row in range(rows)]
