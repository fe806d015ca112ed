"""Measures of answers, of confidences, and of the trades between coverage and risk, quality and cost."""

from __future__ import annotations

from mendgraph.core.metrics.bootstrap import bootstrap_interval
from mendgraph.core.metrics.classification import (
    Averages,
    Changes,
    accuracy,
    balanced_accuracy,
    changes,
    confusion_matrix,
    macro_f1,
    weighted_averages,
)
from mendgraph.core.metrics.paired import Discordant, mcnemar
from mendgraph.core.metrics.reliability import adaptive_ece, auroc, brier, ece, nll
from mendgraph.core.metrics.routing import (
    apgr,
    cpt,
    frontier,
    oracle_gap_share,
    pairwise_accuracy,
    regret,
    strong_share_curve,
    trade_off,
)
from mendgraph.core.metrics.selective import (
    accuracy_at_coverage,
    aurc,
    coverage_at_risk,
    e_aurc,
    risk_coverage_curve,
)

__all__ = [
    "Averages",
    "Changes",
    "Discordant",
    "accuracy",
    "accuracy_at_coverage",
    "adaptive_ece",
    "apgr",
    "aurc",
    "auroc",
    "balanced_accuracy",
    "bootstrap_interval",
    "brier",
    "changes",
    "confusion_matrix",
    "coverage_at_risk",
    "cpt",
    "e_aurc",
    "ece",
    "frontier",
    "macro_f1",
    "mcnemar",
    "nll",
    "oracle_gap_share",
    "pairwise_accuracy",
    "regret",
    "risk_coverage_curve",
    "strong_share_curve",
    "trade_off",
    "weighted_averages",
]
