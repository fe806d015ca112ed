"""Fits everything a cascade learns on held-out data: calibration, combination, thresholds, irony."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mendgraph.core import thresholds
from mendgraph.core.calibration import Calibrator, Platt, Vector
from mendgraph.core.combine import CombinerSet
from mendgraph.core.healing import HealingPolicy, IronyRule

FOLDS = 5
EMOJI_THRESHOLD = 0.5
"""Too few held-out rows are nothing but emoji to choose this on: the label must outweigh all others together."""

Array = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

IRONIC_LITERAL = ("joy", "love")
"""Answers a sarcastic text pretends to."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the tiers said about held-out rows.

    Attributes:
        probabilities: tier -> (N, C), before calibration, in the order the cascade tries the tiers.
        labels: (N,) true classes.
        fingerprints: tier -> weights that answered.
    """

    probabilities: Mapping[str, Array]
    labels: Classes
    fingerprints: Mapping[str, str]

    def rows(self, index: npt.NDArray[np.int64]) -> Heard:
        return replace(
            self,
            probabilities={tier: p[index] for tier, p in self.probabilities.items()},
            labels=self.labels[index],
        )


@dataclass(frozen=True, slots=True)
class IronyHeard:
    """The irony head on held-out rows.

    Attributes:
        ironic: (K,) irony probability of rows known to be ironic or not.
        truth: (K,) bool.
        plain: (M,) irony probability of held-out rows the first tier rightly called a literal label.
    """

    ironic: Array
    truth: npt.NDArray[np.bool_]
    plain: Array


def fit_policy(
    heard: Heard,
    names: Sequence[str],
    *,
    risk: float = 0.1,
    irony: IronyHeard | None = None,
    loss: float = 0.001,
    seed: int = 0,
) -> HealingPolicy:
    """The policy for a cascade over `heard`'s tiers.

    Args:
        heard: held-out rows no tier was trained on.
        names: label names, in class order.
        risk: share of the accepted rows that may be wrong.
        irony: held-out irony; None leaves the irony check out.
        loss: share of all rows an early exit may lose against asking every tier.

    Calibrators and combiners are fitted on all rows.  Thresholds, and the calibration of the combination,
    are chosen on cross-fitted confidences (`FOLDS` folds), so that no row judges a fit it took part in.
    """
    policy = _fitted(heard, names)
    order = list(heard.probabilities)
    crossed = _crossed(heard, names, seed)
    policy = replace(policy, combined=_combined(crossed, heard.labels, policy))
    stages = [_stage(crossed, policy, order[: i + 1]) for i in range(len(order))]
    return replace(
        policy,
        thresholds=_thresholds(order, stages, heard.labels, risk, loss),
        irony=None if irony is None else irony_rule(irony),
        target={"risk": risk, "early_exit_loss": loss},
    )


def _fitted(heard: Heard, names: Sequence[str]) -> HealingPolicy:
    calibrators: dict[str, Calibrator] = {
        tier: Vector.fit(p, heard.labels, fingerprint=heard.fingerprints[tier])
        for tier, p in heard.probabilities.items()
    }
    calibrated = {tier: calibrators[tier].transform(p) for tier, p in heard.probabilities.items()}
    several = len(calibrated) > 1
    return HealingPolicy(
        labels=tuple(names),
        calibrators=calibrators,
        combiners=CombinerSet.fit(calibrated, heard.labels, names) if several else None,
        fingerprints=dict(heard.fingerprints) if several else {},
    )


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Out-of-fold probabilities: of each tier after calibration, and of each combination."""

    tiers: Mapping[str, Array]
    pools: Mapping[tuple[str, ...], Array]


def _crossed(heard: Heard, names: Sequence[str], seed: int) -> _Crossed:
    count = len(heard.labels)
    fold = np.random.default_rng(seed).permutation(count) % FOLDS
    tiers = {tier: np.zeros_like(p) for tier, p in heard.probabilities.items()}
    pools: dict[tuple[str, ...], Array] = {}
    for number in range(FOLDS):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        policy = _fitted(heard.rows(inside), names)
        held = heard.rows(outside).probabilities
        calibrated = {tier: policy.calibrators[tier].transform(p) for tier, p in held.items()}
        for tier, p in calibrated.items():
            tiers[tier][outside] = p
        for combiner in policy.combiners.combiners if policy.combiners else ():
            key = tuple(sorted(combiner.tiers))
            pools.setdefault(key, np.zeros((count, len(names))))[outside] = combiner.combine(calibrated)
    return _Crossed(tiers, pools)


def _combined(crossed: _Crossed, labels: Classes, policy: HealingPolicy) -> dict[str, Calibrator]:
    del policy
    return {"+".join(key): Platt.fit(pool, labels) for key, pool in crossed.pools.items()}


def _stage(crossed: _Crossed, policy: HealingPolicy, asked: Sequence[str]) -> tuple[Classes, Array]:
    """Labels and confidences after the tiers in `asked`, out of fold."""
    if len(asked) == 1:
        p = crossed.tiers[asked[0]]
        return p.argmax(axis=1), p.max(axis=1)
    key = tuple(sorted(asked))
    pool = crossed.pools[key]
    return pool.argmax(axis=1), policy.combined["+".join(key)].confidence(pool)


def _thresholds(
    order: Sequence[str], stages: Sequence[tuple[Classes, Array]], labels: Classes, risk: float, loss: float
) -> dict[str, float]:
    """Early stages let rows go where going on would not help; the last one keeps the whole run at `risk`."""
    final, sure = stages[-1]
    best = final == labels
    open_rows = np.ones(len(labels), dtype=bool)
    wrong = kept = 0
    chosen: dict[str, float] = {}
    for tier, (said, confidence) in zip(order[:-1], stages[:-1], strict=True):
        threshold = _early(confidence, said == labels, best, open_rows, risk, loss * len(labels))
        chosen[tier] = threshold
        leaving = open_rows & (confidence >= threshold)
        wrong += int((leaving & (said != labels)).sum())
        kept += int(leaving.sum())
        open_rows &= ~leaving
    last = _last(sure[open_rows], best[open_rows], wrong, kept, risk)
    # An irony attempt is a reading discounted by doubt; it has to be as sure as a final answer.
    return {**chosen, order[-1]: last, "irony": max([last, *chosen.values()]), "emoji": EMOJI_THRESHOLD, "default": last}


def _early(
    confidence: Array,
    right: npt.NDArray[np.bool_],
    best: npt.NDArray[np.bool_],
    open_rows: npt.NDArray[np.bool_],
    risk: float,
    budget: float,
) -> float:
    """Smallest threshold that loses at most `budget` rows against going on, at selective risk <= `risk`."""
    order = np.flatnonzero(open_rows)[np.argsort(-confidence[open_rows], kind="stable")]
    lost = np.cumsum(best[order].astype(int) - right[order].astype(int))
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    fine = np.flatnonzero((np.maximum.accumulate(lost) <= budget) & (wrong <= risk))
    if not len(fine):
        return thresholds.NEVER
    return float(confidence[order[fine[-1]]])


def _last(
    confidence: Array, right: npt.NDArray[np.bool_], wrong: int, kept: int, risk: float
) -> float:
    order = np.argsort(-confidence, kind="stable")
    errors = wrong + np.cumsum(~right[order])
    total = kept + np.arange(1, len(order) + 1)
    fine = np.flatnonzero(errors / total <= risk)
    return float(confidence[order[fine[-1]]]) if len(fine) else thresholds.NEVER


def irony_rule(heard: IronyHeard, *, precision: float = 0.7, harmed: float = 0.02) -> IronyRule | None:
    """The smallest irony threshold that is right often enough, and rarely doubts a right literal answer.

    Args:
        precision: share of the doubted held-out irony rows that must be ironic.
        harmed: share of right literal answers that may be doubted.
    """
    for threshold in np.unique(heard.ironic):
        doubted = heard.ironic >= threshold
        if heard.truth[doubted].mean() >= precision and (heard.plain >= threshold).mean() <= harmed:
            return IronyRule(float(threshold), IRONIC_LITERAL)
    return None
