"""Calls a tier and checks what it says before anyone believes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, TierDown
from mendgraph.runtime.served import Served
from mendgraph.runtime.supervised import Supervised

Outcome = Prediction | Failure


def call(
    name: str,
    tier: Tier,
    rows: Sequence[Input],
    labels: Sequence[str],
    *,
    down: bool = False,
    seconds: float | None = None,
) -> Served:
    """One outcome per row, in order; a failure of the whole call becomes the failure of each row.

    Args:
        name: the tier's name in the cascade, which is what its user knows it by.
        down: treat it as dead.
        seconds: what is left of the run's deadline.
    """
    if down or not rows:
        return Served([_down(name)] * len(rows), ())
    supervised = tier if isinstance(tier, Supervised) else Supervised(name, tier)
    return supervised.serve(rows, seconds=seconds, check=partial(_all_checked, name, frozenset(labels)))


def _all_checked(name: str, labels: frozenset[str], outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [o if isinstance(o, Failure) else _read(name, o, labels) for o in outcomes]


def _down(tier: str) -> Failure:
    return Failure.of(TierDown(f"tier {tier!r} is switched off", hint=f"bring it back with /restore {tier}"))


def _read(tier: str, prediction: Prediction, labels: frozenset[str]) -> Outcome:
    try:
        return _checked(tier, prediction, labels)
    except (TypeError, ValueError, AttributeError) as error:  # a plug-in may put anything into the fields
        return Failure.of(BadOutput(f"tier {tier!r} gave a prediction that cannot be read: {error}"))


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
