"""What a cascade run is given: models, policy, clock, journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.healing import HealingPolicy
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input, Prediction
from mendgraph.runtime.journal import Journal, NullJournal


def probabilities(prediction: Prediction, earlier: Sequence[Prediction] = ()) -> dict[str, float]:
    """Label -> probability."""
    return dict(prediction.scores)


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a run uses and does not remember.

    Attributes:
        prepare: turns one raw row into an `Input`, or raises `InputError`.
        tiers: name -> tier, in the order the cascade tries them.
        policy: calibration, thresholds and combination, fitted on held-out data.
        ask: what happens to unsettled rows unless the run says otherwise.
        journal: where final answers are recorded.
        clock: monotonic seconds.
        wall: seconds since the epoch.
        deadline_s, budget: limits of every run unless it says otherwise; see `Options`.
        costs: tier -> cost of one row; 1 for tiers not listed.
        value: the full answer that a prediction makes, given all that came before it; JSON values only.
        pool: one prediction per row of what several tiers said, or None; by default the policy's own combination.
        pooling: what `pool` does to the tiers, as a verb.
        question: what the user is asked where nothing is sure.
        facts: what a record of a run says about the graph: ``graph``, ``config``, ``config_hash``, ``versions``
            and ``policy``, the hash of the fitted policy.
    """

    prepare: Callable[[object], Input]
    tiers: Mapping[str, Tier]
    policy: HealingPolicy
    ask: str = "return"
    journal: Journal = field(default_factory=NullJournal)
    clock: Callable[[], float] = time.perf_counter
    wall: Callable[[], float] = time.time
    deadline_s: float | None = None
    budget: float | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    value: Callable[..., Any] = probabilities
    pool: Callable[..., Sequence[Prediction | None]] = HealingPolicy.combine
    pooling: str = "weighs"
    question: str = "Which label fits?"


def given(runtime: Runtime[Context] | None, default: Context) -> Context:
    """The run's own Context, or the default bound at build time.

    As a node of a parent graph ours receives the parent's context, or None; neither is meant for us.
    """
    context = getattr(runtime, "context", None)
    return context if isinstance(context, Context) else default
