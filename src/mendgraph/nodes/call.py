"""Calls a tier and checks what it says before anyone believes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, TierDown, TierError

Outcome = Prediction | Failure


def call(
    name: str, tier: Tier, rows: Sequence[Input], labels: Sequence[str], *, down: bool = False
) -> list[Outcome]:
    """One outcome per row, in order; a failure of the whole call becomes the failure of each row.

    `name` is the tier's name in the cascade, which is what its user knows it by.
    """
    if down:
        return [_down(name)] * len(rows)
    try:
        outcomes = tier.predict(rows)
    except TierError as error:
        return [Failure.of(error)] * len(rows)
    if len(outcomes) != len(rows):
        wrong = BadOutput(f"tier {name!r} answered {len(outcomes)} of {len(rows)} rows")
        return [Failure.of(wrong)] * len(rows)
    known = frozenset(labels)
    return [o if isinstance(o, Failure) else _checked(name, o, known) for o in outcomes]


def _down(tier: str) -> Failure:
    return Failure.of(TierDown(f"tier {tier!r} is switched off", hint=f"bring it back with /restore {tier}"))


def _checked(tier: str, prediction: Prediction, labels: frozenset[str]) -> Outcome:
    if prediction.label not in labels or not labels.issuperset(prediction.scores):
        strange = sorted({prediction.label, *prediction.scores} - labels)
        return Failure.of(BadOutput(f"tier {tier!r} answered outside the label space: {strange}"))
    if missing := sorted(labels.difference(prediction.scores)):
        return Failure.of(BadOutput(f"tier {tier!r} gave no scores for {missing}"))
    numbers = (*prediction.scores.values(), prediction.raw, *prediction.signals.values())
    if not all(math.isfinite(p) and -1e-6 <= p <= 1.0 + 1e-6 for p in numbers):
        return Failure.of(BadOutput(f"tier {tier!r} gave scores that are no probabilities"))
    total = sum(prediction.scores.values())
    if abs(total - 1.0) > 1e-3:
        return Failure.of(BadOutput(f"tier {tier!r} gave scores that sum to {total:.4f}, not 1"))
    return prediction if all(type(p) is float for p in numbers) else _plain(prediction)


def _plain(prediction: Prediction) -> Prediction:
    """The same with Python's own floats: no checkpointer stores numpy's."""
    return replace(
        prediction,
        scores={label: float(p) for label, p in prediction.scores.items()},
        raw=float(prediction.raw),
        signals={signal: float(p) for signal, p in prediction.signals.items()},
    )
