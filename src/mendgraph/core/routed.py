"""What a tier that rates LLMs says about a prompt, and what becomes of several such sayings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.routing import Catalog, dollars, tokens_in
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, InputError

QUESTION = "Which LLM should answer this prompt?"


def routed(
    tier: str, catalog: Catalog, rows: Sequence[Input], quality: FloatArray, scores: FloatArray | None = None
) -> list[Prediction | Failure]:
    """One choice per row, under the row's own terms; a failure where no LLM is within them.

    Args:
        quality: (N, M) expected quality in [0, 1], columns as in the catalog.
        scores: (N, M) in [-1, 1], how the tier itself rates them; by default ``2 quality - 1``.
    """
    rated = 2.0 * quality - 1.0 if scores is None else scores
    return [
        _one(tier, catalog, row, goods, marks) for row, goods, marks in zip(rows, quality, rated, strict=True)
    ]


def _one(
    tier: str, catalog: Catalog, row: Input, quality: FloatArray, scores: FloatArray
) -> Prediction | Failure:
    if not np.isfinite(quality).all() or not np.isfinite(scores).all():
        return Failure.of(
            BadOutput(f"tier {tier!r} gave numbers that are not finite", hint="check its weights")
        )
    costs = catalog.costs(row.facts.get("tokens") or tokens_in(row.text))
    try:
        choice = catalog.choose(quality, costs, catalog.terms.under(row.facts))
    except InputError as error:
        return Failure.of(error)
    named = dict(zip(catalog.names, quality.tolist(), strict=True))
    value = {
        "model": choice.model,
        "runner_up": choice.runner_up,
        "scores": dict(zip(catalog.names, scores.tolist(), strict=True)),
        "quality": named,
        "cost": dict(zip(catalog.names, costs.tolist(), strict=True)),
        "excluded": dict(choice.excluded),
        "why": why(choice.model, choice.runner_up, named, costs_of(catalog, costs), choice.excluded),
    }
    return Prediction(choice.model, choice.chances, choice.chances[choice.model], value=value)


def costs_of(catalog: Catalog, costs: FloatArray) -> dict[str, float]:
    return dict(zip(catalog.names, costs.tolist(), strict=True))


def why(
    model: str,
    runner_up: str | None,
    quality: Mapping[str, float],
    costs: Mapping[str, float],
    excluded: Mapping[str, str],
) -> str:
    """One sentence for a person."""
    words = f"expected quality {quality[model]:.2f} for {dollars(costs[model])}"
    if runner_up is not None:
        words += f"; next {runner_up}, {quality[runner_up]:.2f} for {dollars(costs[runner_up])}"
    reasons: dict[str, list[str]] = {}
    for name, reason in excluded.items():
        reasons.setdefault(reason, []).append(name)
    return "; ".join([words, *(f"{reason}: {', '.join(names)}" for reason, names in reasons.items())])


def route_value(prediction: Prediction, earlier: Sequence[Prediction] = ()) -> Any:
    """The full answer: what the tier said; where a person chose, the latest tier's figures for that choice."""
    if prediction.value is not None:
        return prediction.value
    said = next((p.value for p in reversed(earlier) if isinstance(p.value, Mapping)), None)
    ranked = sorted(prediction.scores, key=lambda name: -prediction.scores[name])
    others = [name for name in ranked if name != prediction.label]
    empty = {"model": prediction.label, "runner_up": others[0] if others else None, "why": "chosen by hand"}
    if said is None:
        return {**empty, "scores": {}, "quality": {}, "cost": {}}
    before = said["model"]
    return {**said, **empty, "runner_up": said["runner_up"] if before == prediction.label else before}


def surest(policy: HealingPolicy, attempts: Sequence[Mapping[str, Prediction]]) -> list[Prediction | None]:
    """Per row, the choice of the tier whose calibrated confidence is greatest; the earlier one of equals.

    Choices of LLMs are not averaged: the set that may be chosen differs from row to row.
    """
    del policy
    return [_surest(list(said.values())) for said in attempts]


def _surest(said: Sequence[Prediction]) -> Prediction | None:
    known = [p for p in said if p.confidence is not None]
    return max(known, key=lambda p: p.confidence or 0.0) if known else None
