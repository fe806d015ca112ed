"""The irony head of the first tier on tweets labelled by people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mendgraph.app import MendGraph
from mendgraph.core.arrays import BoolArray
from mendgraph.core.metrics import auroc
from mendgraph.core.values import Prediction
from mendgraph.errors import InputError
from mendgraph.evaluation.report import Section, Table, number
from mendgraph.nodes.call import call
from mendgraph.training.emotion.sources import Irony

SIGNAL = "irony"


def irony_section(graph: MendGraph, examples: Sequence[Irony]) -> Section | None:
    """Of the first tier that is up; None when it has no irony head."""
    up = [name for name, health in graph.health().items() if name != "emoji" and health["state"] == "up"]
    if not up:
        return None
    first = up[0]
    rows, labels = [], []
    for example in examples:
        try:
            rows.append(graph.context.prepare(example.text))
            labels.append(bool(example.irony))
        except InputError:  # a tweet that was nothing but a link
            continue
    said = call(first, graph.tiers[first], rows, graph.labels).outcomes
    known = [isinstance(o, Prediction) and SIGNAL in o.signals for o in said]
    if not any(known):
        return None
    ironic = np.array([o.signals[SIGNAL] for o in said if isinstance(o, Prediction) and SIGNAL in o.signals])
    truth = np.array(labels, dtype=np.bool_)[np.array(known)]
    rule = graph.context.policy.irony
    systems = {
        "majority class": _counts(np.full(len(truth), truth.mean() > 0.5), truth, float("nan")),
        "always ironic": _counts(np.ones(len(truth), dtype=np.bool_), truth, float("nan")),
        "irony head at 0.5": _counts(ironic >= 0.5, truth, 0.5),
    }
    if rule is not None:
        systems["irony check, fitted threshold"] = _counts(ironic >= rule.threshold, truth, rule.threshold)
    area = auroc(ironic, truth)
    table = Table(
        f"Irony, TweetEval irony test, {len(truth):,} rows; AUROC of the head {number(area)}",
        ("system", "threshold", "accuracy", "precision", "recall", "F1"),
        tuple(
            (name, *(number(v[key]) for key in ("threshold", "accuracy", "precision", "recall", "f1")))
            for name, v in systems.items()
        ),
        "precision, recall and F1 are of the ironic class",
    )
    return Section("irony", (table,), {"rows": len(truth), "auroc": area, "systems": systems})


def _counts(doubted: BoolArray, truth: BoolArray, threshold: float) -> dict[str, float]:
    hits, flagged, ironic = int((doubted & truth).sum()), int(doubted.sum()), int(truth.sum())
    return {
        "threshold": threshold,
        "accuracy": float((doubted == truth).mean()),
        "precision": hits / flagged if flagged else 0.0,
        "recall": hits / ironic if ironic else 0.0,
        "f1": 2 * hits / max(flagged + ironic, 1),
    }
