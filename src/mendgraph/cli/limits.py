"""What is left of a command's deadline and budget, shared out over the pieces of its input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mendgraph.core.values import Answer


@dataclass(slots=True)
class Limits:
    """None: no limit."""

    seconds: float | None
    cost: float | None

    def left(self) -> dict[str, float | None]:
        """As keyword arguments of a run."""
        return {"deadline_s": self.seconds, "budget": self.cost}

    def spend(self, answers: Iterable[Answer], costs: Mapping[str, float]) -> None:
        """Takes off what the trails of a finished piece add up to; a tier that was not called took nothing."""
        for answer in answers:
            for attempt in answer.trail:
                if attempt.seconds == 0.0 or attempt.tier in {"combined", "irony", "user"}:
                    continue
                if self.seconds is not None:
                    self.seconds = max(self.seconds - attempt.seconds, 0.0)
                if self.cost is not None and not (attempt.failure and attempt.failure.kind == "tier_down"):
                    self.cost = max(self.cost - costs.get(attempt.tier, 1.0), 0.0)
