"""Calibration and selective prediction: how far a confidence can be believed, and what it sorts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import IntArray
from mendgraph.core.metrics import (
    accuracy_at_coverage,
    adaptive_ece,
    aurc,
    auroc,
    brier,
    coverage_at_risk,
    e_aurc,
    ece,
    nll,
)
from mendgraph.evaluation.emotion.answers import System
from mendgraph.evaluation.report import Table, between, number, percent

RISK = 0.1
COVERAGE = 0.8
RESPLITS = 5


@dataclass(frozen=True, slots=True)
class Resplits:
    """A measure on random halves of the test rows; nothing is fitted on any of them."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Measures of one system's confidence; see `mendgraph.core.metrics`.

    Attributes:
        e_aurc_ratio: E-AURC relative to the raw soft-max maximum of the first tier; below 1 is better.
        auroc_gain: AUROC minus that of the raw soft-max maximum of the first tier.
    """

    system: str
    ece: float
    adaptive_ece: float
    ece_resplits: Resplits
    brier: float
    nll: float
    auroc: float
    aurc: float
    e_aurc: float
    e_aurc_ratio: float
    auroc_gain: float
    coverage_at_risk: float
    accuracy_at_coverage: float


def reliability(system: System, raw: System, labels: IntArray, *, seed: int) -> Reliability:
    """`raw` is the system that the ratios refer to."""
    right, base = system.right(labels), raw.right(labels)
    excess, floor = e_aurc(system.confidence, right), e_aurc(raw.confidence, base)
    surely = auroc(system.confidence, right)
    return Reliability(
        system=system.name,
        ece=ece(system.confidence, right),
        adaptive_ece=adaptive_ece(system.confidence, right),
        ece_resplits=_resplits(system, labels, seed),
        brier=brier(system.probabilities, labels),
        nll=nll(system.probabilities, labels),
        auroc=surely,
        aurc=aurc(system.confidence, right),
        e_aurc=excess,
        e_aurc_ratio=excess / floor if floor else float("nan"),
        auroc_gain=surely - auroc(raw.confidence, base),
        coverage_at_risk=coverage_at_risk(system.confidence, right, RISK),
        accuracy_at_coverage=accuracy_at_coverage(system.confidence, right, COVERAGE),
    )


def reliability_tables(measured: Sequence[Reliability], title: str) -> tuple[Table, Table]:
    calibration = Table(
        f"Calibration, {title}",
        ("confidence of", "ECE", f"ECE, {RESPLITS} halves", "adaptive ECE", "Brier", "NLL"),
        tuple(
            (
                m.system,
                number(m.ece),
                between(m.ece_resplits.mean, (m.ece_resplits.low, m.ece_resplits.high)),
                number(m.adaptive_ece),
                number(m.brier),
                number(m.nll),
            )
            for m in measured
        ),
        "15 bins; nothing is fitted on the test rows; halves: mean [lowest, highest]",
    )
    selection = Table(
        f"Selective prediction, {title}",
        (
            "confidence of",
            "AUROC",
            "AURC",
            "E-AURC",
            "ratio to raw",
            f"coverage at {RISK:.0%} risk",
            f"accuracy at {COVERAGE:.0%} coverage",
        ),
        tuple(
            (
                m.system,
                number(m.auroc),
                number(m.aurc),
                number(m.e_aurc, 4),
                number(m.e_aurc_ratio, 2),
                percent(m.coverage_at_risk),
                percent(m.accuracy_at_coverage),
            )
            for m in measured
        ),
        "coverage at a risk is the best that any threshold reaches on these rows",
    )
    return calibration, selection


def _resplits(system: System, labels: IntArray, seed: int) -> Resplits:
    right = system.right(labels)
    size = max(len(labels) // 2, 1)
    values = []
    for number_ in range(RESPLITS):
        half = np.random.default_rng([seed, number_]).permutation(len(labels))[:size]
        values.append(ece(system.confidence[half], right[half]))
    return Resplits(float(np.mean(values)), min(values), max(values))
