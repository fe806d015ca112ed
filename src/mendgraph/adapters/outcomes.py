"""From one row of probabilities to what a tier answers for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan

from torch import Tensor

from mendgraph.core.values import Failure, Prediction
from mendgraph.errors import BadOutput

__all__ = ["nan_rows", "outcome"]


def nan_rows(logits: Tensor) -> Tensor:
    """Rows with any number that is not finite become all NaN: softmax would hide a lone ``-inf``."""
    return logits.masked_fill(~logits.isfinite().all(1, keepdim=True), nan)


def outcome(
    tier: str, labels: Sequence[str], scores: Sequence[float], signals: Mapping[str, float] | None = None
) -> Prediction | Failure:
    """A prediction, or a `BadOutput` failure for this row alone when a number is not finite."""
    signals = signals or {}
    if not all(map(isfinite, scores)) or not all(map(isfinite, signals.values())):
        error = BadOutput(
            f"tier {tier!r} gave numbers that are not finite",
            hint="check the weights, or use a wider precision",
        )
        return Failure.of(error)
    best = max(range(len(labels)), key=scores.__getitem__)
    return Prediction(labels[best], dict(zip(labels, scores, strict=True)), scores[best], signals=signals)
