"""Small catalogs of LLMs, and the prompt routing graph over scripted ratings.  No model library is imported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mendgraph.config import RoutingSpec, load_config
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.prompts import prepare_prompt
from mendgraph.core.routed import QUESTION, route_value, routed, surest
from mendgraph.core.routing import LLM, Catalog, Terms
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input
from mendgraph.graphs import prompt_routing
from mendgraph.nodes.context import Context
from mendgraph.prompt_routing import PromptRoutingGraph
from mendgraph.runtime.journal import Journal, NullJournal

MODELS = ("big", "middle", "small")
PRICES: Mapping[str, Mapping[str, float]] = {
    "big": {"input_price": 10.0, "output_price": 30.0, "output_tokens": 100},
    "middle": {"input_price": 1.0, "output_price": 1.0, "output_tokens": 100},
    "small": {"input_price": 0.1, "output_price": 0.1, "output_tokens": 100},
}


def catalog(**terms: Any) -> Catalog:
    return Catalog(tuple(LLM(name, **PRICES[name]) for name in MODELS), Terms(**terms))


def settings(tiers: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A stanza for `prompt_routing` with `MODELS` and no other tiers than these."""
    none = dict.fromkeys(load_config().prompt_routing.tiers)
    llms = dict.fromkeys(load_config().prompt_routing.llms)
    return {"device": "cpu", "tiers": {**none, **(tiers or {})}, "llms": {**llms, **PRICES}, **more}


def spec(tiers: Mapping[str, Any] | None = None, **more: Any) -> RoutingSpec:
    return load_config(None, [f"prompt_routing={json.dumps(settings(tiers, **more))}"]).prompt_routing


class Rating:
    """A tier that expects the same of every LLM whatever the prompt; it remembers its rows."""

    def __init__(self, catalog: Catalog, quality: Sequence[float], name: str = "rating") -> None:
        self.name = self.fingerprint = name
        self.rows: list[Input] = []
        self._catalog = catalog
        self._quality = np.array(quality)

    def predict(self, rows: Sequence[Input]) -> list[Any]:
        self.rows.extend(rows)
        return routed(self.name, self._catalog, rows, np.tile(self._quality, (len(rows), 1)))


def routing_policy(tiers: Mapping[str, Tier], thresholds: Mapping[str, float] | None = None) -> HealingPolicy:
    """Every tier is taken at its word; all settle unless told otherwise."""
    return HealingPolicy(
        labels=MODELS,
        calibrators={name: Temperature(1.0, tier.fingerprint) for name, tier in tiers.items()},
        fingerprints={name: tier.fingerprint for name, tier in tiers.items()},
        thresholds=dict(thresholds or {"default": 0.0}),
    )


def routing_cascade(
    tiers: Mapping[str, Tier], *, ask: str = "never", checkpointer: Any = None, journal: Journal | None = None
) -> PromptRoutingGraph:
    """The graph without the assembly, as `pair_cascade` is the reflection graph."""
    context = Context(
        prepare=prepare_prompt,
        value=route_value,
        question=QUESTION,
        pool=surest,
        pooling="the surest of",
        tiers=tiers,
        policy=routing_policy(tiers),
        ask=ask,
        journal=journal or NullJournal(),
    )
    return PromptRoutingGraph(
        "prompt_routing", context, prompt_routing.build, spec=spec(), checkpointer=checkpointer
    )
