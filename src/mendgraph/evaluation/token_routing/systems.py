"""What is compared on held-out text: experts alone, fixed mixtures, routers, and what no router can reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.heads_file import SavedHeads
from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.token_routing import best_expert, mixture_nats, spoken_nats
from mendgraph.modules.sequence_head import SequenceHead
from mendgraph.training.token_routing.scoring import THRESHOLD, Heard, hear, speak
from mendgraph.training.token_routing.sequences import sequence_scores
from mendgraph.training.token_routing.states import States

BASE = "base"
UNIFORM = "uniform mixture"
SEQUENCE = "sequence router"
SEQUENCE_MIXTURE = "sequence mixture"
COMBINED = "soft with sequence prior"
DOMAIN = "domain oracle"
"""The expert of each token's domain, where experts are named after domains: knows the domain, not the token."""
ORACLE = "token oracle"


@dataclass(frozen=True, slots=True)
class System:
    """One way to predict every token.

    Attributes:
        nats: (N,) paid for each token.
        expert: (N,) who spoke; None where nobody is chosen.
        heard: (N,) whether all experts were needed; None where the question does not arise.
    """

    name: str
    nats: FloatArray
    expert: IntArray | None = None
    heard: BoolArray | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """The systems over one set of tokens, and what the heads of each mode said about them."""

    states: States
    systems: Mapping[str, System]
    heard: Mapping[str, Heard]


def only(states: States, count: int) -> States:
    """The first `count` experts."""
    return States(states.experts[:count], states.tokens, states.hidden[:count], states.nats[:count])


def route(
    states: States,
    ensemble: Ensemble,
    heads: Mapping[str, SavedHeads],
    sequence: SequenceHead | None,
    base: FloatArray | None = None,
) -> Routed:
    """
    Args:
        heads: mode -> heads trained for it.
        base: (N,) nats of the base model without an adapter, where there is one.
    """
    paid = np.asarray(states.nats, np.float64)
    found = [System(name, row) for name, row in zip(states.experts, paid, strict=True)]
    if base is not None:
        found.append(System(BASE, base))
    found.append(System(UNIFORM, mixture_nats(np.zeros_like(paid), paid)))
    if sequence is not None:
        scores = sequence_scores(sequence, states)
        chosen = best_expert(scores)
        found.append(System(SEQUENCE, spoken_nats(paid, chosen), chosen))
        found.append(System(SEQUENCE_MIXTURE, mixture_nats(scores, paid), chosen))
    said = {mode: hear(own.heads, states) for mode, own in heads.items()}
    for mode, own in heads.items():
        threshold = THRESHOLD if own.doubt is None else own.doubt
        spoken = speak(mode, own.heads, states, ensemble, heard=said[mode], threshold=threshold)
        found.append(System(mode, spoken.nats, spoken.expert, spoken.heard if mode == "lazy" else None))
    if sequence is not None and "soft" in heads:
        joint = said["soft"].scores / float(heads["soft"].heads.temperature) + sequence_scores(
            sequence, states
        )
        found.append(System(COMBINED, mixture_nats(joint, paid), best_expert(joint)))
    domains = states.tokens.domains
    if set(domains) <= set(states.experts):
        numbers: IntArray = np.array([states.experts.index(name) for name in domains], np.int64)
        placed = numbers[states.tokens.domain]
        found.append(System(DOMAIN, spoken_nats(paid, placed), placed))
    found.append(System(ORACLE, paid.min(axis=0), np.asarray(paid.argmin(axis=0), np.int64)))
    return Routed(states, {system.name: system for system in found}, said)
