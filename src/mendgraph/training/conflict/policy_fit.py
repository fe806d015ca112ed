"""Fits the conflict graph's policy on held-out claim sets: calibration of conflicts and answers, and thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray
from mendgraph.core.calibration import Calibrator, Vector
from mendgraph.core.conflict import LEVELS
from mendgraph.core.conflict_decisions import (
    CLAIM,
    DETECT,
    HEARD,
    PLAIN,
    REFINED,
    SAMPLES,
    VALUES,
    calibrated,
    clash,
    is_shallow,
)
from mendgraph.core.conflict_stages import COSTS, Ways
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.metrics import ece
from mendgraph.core.thresholds import NEVER, for_risk
from mendgraph.core.tier import Tier
from mendgraph.training.conflict.policy_heard import Draft, Heard, hear
from mendgraph.training.conflict.split import read_split
from mendgraph.training.emotion.heldout import write_policy

__all__ = ["SETS", "fit_policy", "train_policy"]

SETS: Final = 400
"""Claim sets of dev that are read."""

_STAGE: Final = {PLAIN: "answer", REFINED: "refine"}
_LAST: Final = (VALUES, SAMPLES)
_DOUBTS: Final = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""See `conflict_mending`."""

_BORDERS: Final = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)

_LEAST: Final = 30
"""Rows below which a source gets no calibration."""

_FOLDS: Final = 5

_GAIN: Final = 0.01
"""Share of right answers that is worth any cost, where it is also more than `_NOISE` standard errors."""
_NOISE: Final = 2.0

Progress = Callable[[int, int], None]


def train_policy(
    tiers: Mapping[str, Tier],
    data: Path,
    folder: Path,
    *,
    ways: Ways,
    risk: float = 0.1,
    sets: int = SETS,
    progress: Progress = lambda done, total: None,
) -> list[str]:
    """Fits on claim sets of dev and writes an artefact.

    Returns:
        What was fitted, in lines for a person.

    Raises:
        DataError: claim sets are missing, or a tier cannot answer them.
    """
    heard = hear(tiers, read_split(data, "dev", sets), ways, progress)
    policy = fit_policy(heard, ways, risk=risk)
    write_policy(policy, folder, "conflict")
    return told(policy, heard, ways)


def fit_policy(heard: Heard, ways: Ways, *, risk: float = 0.1) -> HealingPolicy:
    """Each source of answers is calibrated on the rows that reach it.

    A draft is believed from the confidence that makes most answers right, given what would become of the row else;
    where none does, never, and then nobody writes any.  What is answered last is believed from the confidence that
    keeps the share of wrong ones among the believed at `risk`.
    """
    mark = heard.fingerprint
    target = {"risk": risk}
    found = [_with_doubt(heard, doubt, target) for doubt in _DOUBTS]
    rights = [_answered(heard, policy, ways) for policy in found]
    policy = _with_border(heard, found[int(np.argmax(rights))], ways)  # the first of equals
    calibrators, thresholds = dict(policy.calibrators), dict(policy.thresholds)
    last = [row.verified(policy, mark, ways) for row in heard.rows]
    drafts = {source: _drafts(heard, policy, ways, source) for source in _STAGE}
    for source in _LAST:
        _calibrate(calibrators, source, [draft for draft, own in last if own == source], mark)
    for source, numbers in drafts.items():
        _calibrate(calibrators, source, [heard.rows[n].drafts[_STAGE[source]] for n in numbers], mark)
    policy = replace(policy, calibrators=calibrators)
    for source in _LAST:
        known = [draft for draft, own in last if draft is not None and own == source]
        if source in calibrators:
            right = [draft.right for draft in known]
            thresholds[source] = for_risk(_confidences(policy, source, mark, known), right, risk).value
    for source, numbers in drafts.items():
        thresholds[source] = NEVER
        if source in calibrators:
            own = [heard.rows[n].drafts[_STAGE[source]] for n in numbers]
            other = [_is_right(last[n][0]) for n in numbers]
            thresholds[source] = _worth(own, _confidences(policy, source, mark, own), other, risk)
    thresholds["default"] = NEVER
    return replace(policy, thresholds=thresholds)


def _with_doubt(heard: Heard, doubt: float, target: Mapping[str, float]) -> HealingPolicy:
    """What the reader finds in all documents at once, and that together with what it hears each of them say, both
    calibrated."""
    truth, mark = [row.claims.conflict for row in heard.rows], heard.fingerprint
    thresholds = {DETECT: 0.5, CLAIM: doubt, PLAIN: NEVER}
    first = _fitted([row.chance for row in heard.rows], truth, mark)
    policy = HealingPolicy(LEVELS, {DETECT: first}, thresholds=thresholds, target=target)
    both = [clash(row.detected(policy, mark), row.heard(doubt)) for row in heard.rows]
    return replace(policy, calibrators={DETECT: first, HEARD: _fitted(both, truth, mark)})


def _with_border(heard: Heard, policy: HealingPolicy, ways: Ways) -> HealingPolicy:
    """With the probability of a conflict that makes most answers right; of equals the one that tells most sets with a
    conflict from those without."""
    found = [replace(policy, thresholds={**policy.thresholds, DETECT: border}) for border in _BORDERS]
    return max(found, key=lambda one: (_answered(heard, one, ways), _told_apart(heard, one)))


def _answered(heard: Heard, policy: HealingPolicy, ways: Ways) -> int:
    """Rows that are answered rightly where all documents are asked."""
    return sum(_is_right(row.verified(policy, heard.fingerprint, ways)[0]) for row in heard.rows)


def _told_apart(heard: Heard, policy: HealingPolicy) -> int:
    """Rows of which it is rightly known whether their documents conflict, once those were heard."""
    return sum(row.conflicting(policy, heard.fingerprint) == row.claims.conflict for row in heard.rows)


def _is_right(draft: Draft | None) -> bool:
    return draft is not None and draft.right


def _drafts(heard: Heard, policy: HealingPolicy, ways: Ways, source: str) -> list[int]:
    """Numbers of the rows whose first answer is from this source."""
    found = []
    for number, row in enumerate(heard.rows):
        case = row.detected(policy, heard.fingerprint)
        first = PLAIN if not case.conflict else REFINED if is_shallow(case, ways) else ""
        if first == source and _STAGE[source] in row.drafts:
            found.append(number)
    return found


def _calibrate(
    calibrators: dict[str, Calibrator], source: str, drafts: Sequence[Draft | None], fingerprint: str
) -> None:
    known = [draft for draft in drafts if draft is not None]
    if len(known) >= _LEAST:
        raw, right = [draft.raw for draft in known], [draft.right for draft in known]
        calibrators[source] = _fitted(raw, right, fingerprint)


def _fitted(raw: ArrayLike, right: ArrayLike, fingerprint: str) -> Vector:
    chances = np.asarray(raw, dtype=np.float64)
    wrong = 1 - np.asarray(right, dtype=np.int64)
    return Vector.fit(np.stack([chances, 1.0 - chances], axis=1), wrong, fingerprint=fingerprint)


def _confidences(policy: HealingPolicy, source: str, fingerprint: str, drafts: Sequence[Draft]) -> FloatArray:
    found = [calibrated(policy, source, fingerprint, draft.raw) for draft in drafts]
    return np.array(found, dtype=np.float64)


def _worth(drafts: Sequence[Draft], confidence: FloatArray, other: Sequence[bool], risk: float) -> float:
    """The confidence from which drafts are right at least as often as what the rows get else, and wrong no more often
    than `risk` allows; `NEVER` where they are not, or too few are believed to be worth writing all."""
    right = np.array([draft.right and draft.stated for draft in drafts], dtype=np.float64)
    order = np.argsort(-confidence, kind="stable")
    gains = np.concatenate([[0.0], np.cumsum(right[order] - np.asarray(other, dtype=np.float64)[order])])
    best = int(np.flatnonzero(gains >= gains.max() - 1e-9).max())
    if best == 0:
        return NEVER
    worth = 0.0 if best == len(order) else float(confidence[order[best - 1]])
    threshold = max(worth, for_risk(confidence, right, risk).value)
    saved = float((confidence >= threshold).mean()) * COSTS["verify"]
    # of `differing` rows that one of the two has right, the gain has a standard error of at most their root
    differing = float((right[order] != np.asarray(other, dtype=np.float64)[order])[:best].sum())
    gained = gains.max() >= max(_GAIN * len(order), _NOISE * differing**0.5)
    return threshold if saved >= COSTS["answer"] or gained else NEVER


def told(policy: HealingPolicy, heard: Heard, ways: Ways) -> list[str]:
    """What was fitted, in lines for a person."""
    last = [row.verified(policy, heard.fingerprint, ways) for row in heard.rows]
    doubt = policy.threshold(CLAIM)
    lines = [f"that a document says nothing is doubted below {doubt:g}"]
    for source in (PLAIN, REFINED, *_LAST):
        if source not in policy.calibrators:
            continue
        if source in _STAGE:
            numbers = _drafts(heard, policy, ways, source)
            drafts = [heard.rows[n].drafts[_STAGE[source]] for n in numbers]
        else:
            drafts = [draft for draft, own in last if draft is not None and own == source]
        right = np.array([draft.right for draft in drafts], dtype=np.float64)
        raw = np.array([draft.raw for draft in drafts])
        sure = _confidences(policy, source, heard.fingerprint, drafts)
        threshold = policy.threshold(source)
        believed = sure >= threshold
        shown = (
            "never believed" if threshold > 1.0 else f"{believed.mean():.0%} believed, from {threshold:.3f}"
        )
        lines.append(
            f"{source}: {len(drafts):,} answers, {right.mean():.3f} right, "
            f"ECE {ece(raw, right):.3f} -> {ece(_cross_fitted(raw, right), right):.3f} cross-fitted, {shown}"
        )
    return lines


def _cross_fitted(raw: FloatArray, right: FloatArray) -> FloatArray:
    """(N,) probabilities of being right, each by a calibrator that has not seen its row."""
    folds = np.arange(len(raw)) % _FOLDS
    found = np.empty(len(raw))
    for fold in range(_FOLDS):
        own = folds == fold
        fitted = _fitted(raw[~own], right[~own] > 0, "")
        found[own] = fitted.transform(np.stack([raw[own], 1.0 - raw[own]], axis=1))[:, 0]
    return found
