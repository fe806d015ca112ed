"""Whether the heads' numbers mean what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mendgraph.adapters.causal.heads_file import SavedHeads
from mendgraph.core.arrays import FloatArray
from mendgraph.core.metrics import auroc, ece
from mendgraph.core.token_routing import adequate, expert_weights
from mendgraph.evaluation.report import Section, Table, number
from mendgraph.evaluation.token_routing.systems import Routed
from mendgraph.modules.expert_heads import ExpertHeads


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well a confidence tells right from wrong: expected calibration error and AUROC, and the base rate."""

    ece: float
    auroc: float
    right: float

    @classmethod
    def of(cls, confidence: FloatArray, right: FloatArray) -> Reliability:
        return cls(ece(confidence, right), auroc(confidence, right), float(right.mean()))


@dataclass(frozen=True, slots=True)
class HeadCalibration:
    """Of one mode's heads.

    Attributes:
        weight, raw_weight: the largest weight against whether that expert is the best one, with the fitted
            temperature and with temperature 1.
        trust, raw_trust: expert -> its trust against whether it is within the tolerance of the best, as fitted and
            as sigmoid(score).
    """

    weight: Reliability
    raw_weight: Reliability
    trust: Mapping[str, Reliability]
    raw_trust: Mapping[str, Reliability]


def calibration_of(mode: str, heads: ExpertHeads, routed: Routed, tolerance: float) -> HeadCalibration:
    said, nats = routed.heard[mode], np.asarray(routed.states.nats, np.float64)
    best = (nats.argmin(axis=0) == said.scores.argmax(axis=0)).astype(np.float64)
    good = adequate(nats, tolerance).astype(np.float64)
    plain = 1 / (1 + np.exp(-said.scores))
    names = routed.states.experts
    return HeadCalibration(
        Reliability.of(expert_weights(said.scores, float(heads.temperature)).max(axis=0), best),
        Reliability.of(expert_weights(said.scores).max(axis=0), best),
        {name: Reliability.of(said.trust[m], good[m]) for m, name in enumerate(names)},
        {name: Reliability.of(plain[m], good[m]) for m, name in enumerate(names)},
    )


def calibration_section(
    heads: Mapping[str, SavedHeads], routed: Routed, tolerances: Mapping[str, float]
) -> Section:
    found = {mode: calibration_of(mode, own.heads, routed, tolerances[mode]) for mode, own in heads.items()}
    weights = Table(
        "Heads: largest weight against being the best expert for the token",
        ("mode", "best", "ECE raw", "ECE fitted", "AUROC"),
        tuple(
            (
                mode,
                number(c.weight.right),
                number(c.raw_weight.ece),
                number(c.weight.ece),
                number(c.weight.auroc),
            )
            for mode, c in found.items()
        ),
        "The temperature is fitted for the mixture's likelihood, in which being nearly the best counts too.",
    )
    trust = Table(
        "Heads: an expert's trust in itself against being good enough",
        ("mode", "expert", "good enough", "ECE raw", "ECE fitted", "AUROC"),
        tuple(
            (mode, name, number(r.right), number(c.raw_trust[name].ece), number(r.ece), number(r.auroc))
            for mode, c in found.items()
            for name, r in c.trust.items()
        ),
    )
    return Section("heads", (weights, trust), found)
