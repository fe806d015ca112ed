"""What a caller asks of a run, and how one call is shared out over several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loguru import logger

from mendgraph.nodes.state import Ask, Spent

Inputs = str | Mapping[str, object] | Sequence[object]
"""One row, or several."""


def rows_of(inputs: Inputs) -> list[object]:
    return [inputs] if isinstance(inputs, str | Mapping) else list(inputs)


def unpaused(state: dict[str, Any], error: Exception) -> dict[str, Any]:
    """The same request under the same identity, so that no row of it is recorded twice, for a run that cannot pause."""
    logger.error("the run's checkpoints cannot be stored, so it goes on without: {}", error)
    options = state["options"]
    return {**state, "options": {**options, "ask": "never" if options.get("ask") == "never" else "return"}}


@dataclass(slots=True)
class Overrides:
    """What one call of `run` overrides, shared out over its pieces: limits count down, row numbers shift."""

    ask: Ask | None
    threshold: float | None
    down: Sequence[str]
    clarifications: Mapping[int, str] | None
    deadline_s: float | None
    budget: float | None

    def of(self, start: int, size: int) -> dict[str, Any]:
        known = self.clarifications or {}
        return {
            "ask": self.ask,
            "threshold": self.threshold,
            "down": self.down,
            "clarifications": {
                row - start: label for row, label in known.items() if start <= row < start + size
            },
            "deadline_s": self.deadline_s,
            "budget": self.budget,
        }

    def spend(self, spent: Spent) -> None:
        if self.deadline_s is not None:
            self.deadline_s = max(self.deadline_s - spent["seconds"], 0.0)
        if self.budget is not None:
            self.budget = max(self.budget - spent["cost"], 0.0)
