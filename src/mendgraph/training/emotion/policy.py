"""Fits everything a cascade learns on held-out data: calibration, combination, thresholds, irony."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mendgraph.core import thresholds
from mendgraph.core.calibration import Calibrator, Platt
from mendgraph.core.combine import CombinerSet
from mendgraph.core.healing import HealingPolicy, IronyRule

FOLDS = 5
EMOJI_THRESHOLD = 0.5
"""Too few held-out rows are nothing but emoji to choose this on: the label must outweigh all others together."""

BALANCE = 0.25
"""How far the combination moves from the held-out class frequencies towards equal classes.

A compromise by hand: at 0 the combination answers ``neutral`` as often as its held-out source does, which serves
that source best and every other one worse.  It was chosen on dev rows of GoEmotions, CARER, MELD and TweetEval; the
last three are in no weights.
"""

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
        ironic: (K,) irony probability of rows known to be ironic or not, and read literally by the first tier.
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
    policy = replace(policy, combined=_combined(crossed, heard.labels))
    stages = [_stage(crossed, policy, order[: i + 1]) for i in range(len(order))]
    return replace(
        policy,
        thresholds=_thresholds(order, stages, heard.labels, risk, loss),
        irony=None if irony is None else irony_rule(irony),
        target={"risk": risk, "early_exit_loss": loss},
    )


def _fitted(heard: Heard, names: Sequence[str]) -> HealingPolicy:
    calibrators: dict[str, Calibrator] = {
        tier: Platt.fit(p, heard.labels, fingerprint=heard.fingerprints[tier])
        for tier, p in heard.probabilities.items()
    }
    calibrated = {tier: calibrators[tier].transform(p) for tier, p in heard.probabilities.items()}
    several = len(calibrated) > 1
    return HealingPolicy(
        labels=tuple(names),
        calibrators=calibrators,
        combiners=CombinerSet.fit(calibrated, heard.labels, names, balance=BALANCE) if several else None,
        fingerprints=dict(heard.fingerprints) if several else {},
    )


@dataclass(frozen=True, slots=True)
class _Crossed:
    """Out of fold: classes and confidences of each tier, and probabilities of each combination."""

    tiers: Mapping[str, tuple[Classes, Array]]
    pools: Mapping[tuple[str, ...], Array]


def _crossed(heard: Heard, names: Sequence[str], seed: int) -> _Crossed:
    count = len(heard.labels)
    fold = np.random.default_rng(seed).permutation(count) % FOLDS
    tiers = {tier: (np.zeros(count, dtype=np.int64), np.zeros(count)) for tier in heard.probabilities}
    pools: dict[tuple[str, ...], Array] = {}
    for number in range(FOLDS):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        policy = _fitted(heard.rows(inside), names)
        held = heard.rows(outside).probabilities
        calibrated = {tier: policy.calibrators[tier].transform(p) for tier, p in held.items()}
        for tier, p in held.items():
            said, sure = tiers[tier]
            said[outside] = policy.calibrators[tier].classes(p)
            sure[outside] = policy.calibrators[tier].confidence(p)
        for combiner in policy.combiners.combiners if policy.combiners else ():
            key = tuple(sorted(combiner.tiers))
            pools.setdefault(key, np.zeros((count, len(names))))[outside] = combiner.combine(calibrated)
    return _Crossed(tiers, pools)


def _combined(crossed: _Crossed, labels: Classes) -> dict[str, Calibrator]:
    return {"+".join(key): Platt.fit(pool, labels) for key, pool in crossed.pools.items()}


def _stage(crossed: _Crossed, policy: HealingPolicy, asked: Sequence[str]) -> tuple[Classes, Array]:
    """Labels and confidences after the tiers in `asked`, out of fold."""
    if len(asked) == 1:
        return crossed.tiers[asked[0]]
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
    last = _last(sure, best, open_rows, wrong, kept, risk)
    # A reading discounted by irony has to be as sure as a final answer.
    return {**chosen, order[-1]: last, "irony": last, "emoji": EMOJI_THRESHOLD, "default": last}


def _early(
    confidence: Array,
    right: npt.NDArray[np.bool_],
    best: npt.NDArray[np.bool_],
    open_rows: npt.NDArray[np.bool_],
    risk: float,
    budget: float,
) -> float:
    """Smallest threshold that loses at most `budget` rows against going on, at selective risk <= `risk`."""
    order, ends = _by_confidence(confidence, open_rows)
    lost = np.cumsum(best[order].astype(int) - right[order].astype(int))[ends]
    wrong = np.cumsum(~right[order])[ends] / (ends + 1)
    fine = ends[(np.maximum.accumulate(lost) <= budget) & (wrong <= risk)]
    return float(confidence[order[fine[-1]]]) if len(fine) else thresholds.NEVER


def _last(
    confidence: Array,
    right: npt.NDArray[np.bool_],
    open_rows: npt.NDArray[np.bool_],
    wrong: int,
    kept: int,
    risk: float,
) -> float:
    """Smallest threshold with which the whole run, `wrong` of `kept` rows so far, stays at `risk`."""
    order, ends = _by_confidence(confidence, open_rows)
    errors = wrong + np.cumsum(~right[order])[ends]
    fine = ends[errors / (kept + ends + 1) <= risk]
    return float(confidence[order[fine[-1]]]) if len(fine) else thresholds.NEVER


def _by_confidence(confidence: Array, open_rows: npt.NDArray[np.bool_]) -> tuple[Classes, Classes]:
    """Open rows, the surest first, and the places in that order after which the confidence falls.

    Only there can a threshold cut: rows of one confidence leave together.
    """
    order = np.flatnonzero(open_rows)[np.argsort(-confidence[open_rows], kind="stable")]
    falls = np.append(np.diff(confidence[order]) < 0, True)[: len(order)]
    return order, np.flatnonzero(falls)


def irony_rule(heard: IronyHeard, *, precision: float = 0.5, harmed: float = 0.02) -> IronyRule | None:
    """The smallest irony threshold that is right often enough, and rarely doubts a right literal answer.

    Args:
        precision: share of the doubted held-out irony rows that must be ironic.
        harmed: share of right literal answers that may be doubted.
    """
    for threshold in np.unique(heard.ironic):
        doubted = heard.ironic >= threshold
        spared = int((heard.plain >= threshold).sum()) <= harmed * len(heard.plain)
        if spared and heard.truth[doubted].mean() >= precision:
            return IronyRule(float(threshold), IRONIC_LITERAL)
    return None
