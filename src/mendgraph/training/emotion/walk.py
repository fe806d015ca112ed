"""A cascade without a graph: what a policy makes of answers that are known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import BoolArray, FloatArray, IntArray
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.metrics import accuracy, coverage_at_risk, ece
from mendgraph.core.policy import judge
from mendgraph.core.values import Prediction
from mendgraph.training.emotion.policy import Heard


@dataclass(frozen=True, slots=True)
class Walked:
    """Where each row came out: its best guess (N,), the confidence in it (N,), and whether it was accepted (N,)."""

    said: IntArray
    confidence: FloatArray
    accepted: BoolArray

    def rows(self, index: IntArray) -> Walked:
        return Walked(self.said[index], self.confidence[index], self.accepted[index])


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a walk went, all in [0, 1].

    Attributes:
        coverage_at_risk: share of the rows that some threshold accepts at the target risk.
        accepted, accepted_risk: share that the policy's own thresholds accept, and how much of it is wrong.
    """

    rows: int
    accuracy: float
    ece: float
    coverage_at_risk: float
    accepted: float
    accepted_risk: float


def walk(policy: HealingPolicy, heard: Heard) -> Walked:
    """Tier by tier, as the graph's checks do; without the irony check and the emoji tier.

    Args:
        heard: answers of the tiers, in the order the cascade tries them.
    """
    count, names = len(heard.labels), policy.labels
    latest: list[Prediction] = []
    evidence: list[dict[str, Prediction]] = [{} for _ in range(count)]
    accepted = np.zeros(count, dtype=np.bool_)
    open_rows = list(range(count))
    for tier, probabilities in heard.probabilities.items():
        mark = heard.fingerprints[tier]
        said = policy.calibrate(tier, mark, [_prediction(names, probabilities[row]) for row in open_rows])
        if not latest:
            latest = list(said)
        for row, prediction in zip(open_rows, said, strict=True):
            latest[row] = prediction
            if policy.fingerprints.get(tier) == mark:
                evidence[row][tier] = prediction
        several = [row for row in open_rows if len(evidence[row]) > 1]
        for row, pooled in zip(several, policy.combine([evidence[row] for row in several]), strict=True):
            latest[row] = pooled or latest[row]
        threshold = policy.threshold(tier)
        for row in open_rows:
            verdict = judge(latest[row].confidence, threshold, tiers_left=True, may_ask=False)
            accepted[row] = verdict == "accept"
        open_rows = [row for row in open_rows if not accepted[row]]
    return Walked(
        np.array([names.index(p.label) for p in latest], dtype=np.int64),
        np.array([p.confidence or 0.0 for p in latest], dtype=np.float64),
        accepted,
    )


def figures(walked: Walked, labels: IntArray, risk: float) -> Figures | None:
    """None without rows."""
    if not len(labels):
        return None
    right = walked.said == labels
    taken = right[walked.accepted]
    return Figures(
        rows=len(labels),
        accuracy=accuracy(labels, walked.said),
        ece=ece(walked.confidence, right),
        coverage_at_risk=coverage_at_risk(walked.confidence, right, risk),
        accepted=float(walked.accepted.mean()),
        accepted_risk=float(1 - taken.mean()) if len(taken) else 0.0,
    )


def joined(parts: Mapping[int, Walked], order: Sequence[IntArray]) -> Walked:
    """Walks over disjoint sets of rows put back into one; `order[i]` are the rows of `parts[i]`."""
    back = np.argsort(np.concatenate(list(order)), kind="stable")
    walks = [parts[place] for place in range(len(order))]
    whole = Walked(
        np.concatenate([w.said for w in walks]),
        np.concatenate([w.confidence for w in walks]),
        np.concatenate([w.accepted for w in walks]),
    )
    return whole.rows(back)


def _prediction(names: Sequence[str], scores: FloatArray) -> Prediction:
    values = scores.tolist()
    best = int(scores.argmax())
    return Prediction(names[best], dict(zip(names, values, strict=True)), values[best])
