"""Emotion and reflection graphs over scripted tiers, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mendgraph.app import MendGraph
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.combine import Combiner, CombinerSet
from mendgraph.core.healing import HealingPolicy, IronyRule
from mendgraph.core.preprocess import prepare
from mendgraph.core.reflection import level_value, prepare_pair
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer
from mendgraph.graphs import emotion, reflection
from mendgraph.nodes.context import Context
from mendgraph.reflection import ReflectionGraph
from mendgraph.runtime.journal import Journal, NullJournal

IRONY = IronyRule(threshold=0.5, labels=("joy", "love"))


def pair_cascade(
    tiers: Mapping[str, Tier],
    *,
    ask: str = "never",
    checkpointer: Any = None,
    journal: Journal | None = None,
    **policy: Any,
) -> ReflectionGraph:
    """The reflection graph, as `cascade` is the emotion graph."""
    context = Context(
        prepare=prepare_pair,
        value=level_value,
        question=reflection.QUESTION,
        tiers=tiers,
        policy=policy_for(tiers, labels=reflection.LABELS, **policy),
        ask=ask,
        journal=journal or NullJournal(),
    )
    return ReflectionGraph("reflection", context, reflection.build, checkpointer=checkpointer)


def policy_for(tiers: Mapping[str, Tier], **changes: Any) -> HealingPolicy:
    """Every tier is taken at its word: temperature 1.  Accepts from 0.6 unless told otherwise."""
    fields: dict[str, Any] = {
        "labels": emotion.LABELS,
        "calibrators": {name: Temperature(1.0, tier.fingerprint) for name, tier in tiers.items()},
        "thresholds": {"default": 0.6},
    }
    return HealingPolicy(**{**fields, **changes})


def cascade(
    tiers: Mapping[str, Tier],
    *,
    ask: str = "never",
    checkpointer: Any = None,
    journal: Journal | None = None,
    **policy: Any,
) -> MendGraph:
    context = Context(prepare=prepare, tiers=tiers, policy=policy_for(tiers, **policy), ask=ask)
    if journal is not None:
        context = Context(context.prepare, context.tiers, context.policy, ask, journal)
    return MendGraph("emotion", context, emotion.build, checkpointer=checkpointer)


def pooling(tiers: Mapping[str, Tier], weights: Sequence[float]) -> dict[str, Any]:
    """Policy fields for a combination of all `tiers` with the given weights, taken at its word."""
    names = tuple(tiers)
    combiner = Combiner(names, emotion.LABELS, tuple(weights), tuple(np.zeros(len(emotion.LABELS))))
    return {
        "combiners": CombinerSet((combiner,)),
        "combined": {"+".join(sorted(names)): Temperature(1.0)},
        "fingerprints": {name: tier.fingerprint for name, tier in tiers.items()},
    }


def tried(answer: Answer) -> list[str]:
    return [attempt.tier for attempt in answer.trail]


def verdicts(answer: Answer) -> list[str | None]:
    return [attempt.verdict for attempt in answer.trail]
