"""What two settings do: from which probability a conflict is acted upon, and how often states are refined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import BoolArray, FloatArray
from mendgraph.core.conflict import LEVELS
from mendgraph.core.metrics import bootstrap_interval
from mendgraph.evaluation.conflict.answers import ALL, Scored, in_percent, passes, right_of
from mendgraph.evaluation.conflict.readings import Readings
from mendgraph.evaluation.conflict.said import PLAIN, POLICY, RANDOM
from mendgraph.evaluation.conflict.spotting import f1
from mendgraph.evaluation.report import Section, Table, number, percent
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.refinement_fit import REFINED_LEVELS

__all__ = ["THRESHOLDS", "ThresholdPoint", "steps_section", "threshold_section"]

THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)
"""The first acts upon every set, the last upon none."""


@dataclass(frozen=True, slots=True)
class ThresholdPoint:
    """
    Attributes:
        acted: share of the sets that is taken for a conflict.
        f1: of that.
        accuracy: of the answers.
        passes: mean, as `passes` counts them.
    """

    threshold: float
    acted: float
    f1: float
    accuracy: float
    interval: tuple[float, float]
    passes: float


def threshold_section(
    sets: Sequence[ClaimSet],
    readings: Readings,
    scored: Scored,
    refined: str | None,
    sure: float,
    resamples: int,
    seed: int = 0,
) -> Section | None:
    """The graph's way, put together from what its parts said: plain below the threshold; above it a shallow level
    that is sure is refined, and the rest answered by the rule over read values.  What is refined costs as much as the
    plain answer; for the rule, documents are read again one by one.

    Args:
        refined: the refinement's name among the systems; None sends everything to the rule.

    Returns:
        None without a types classifier.
    """
    if readings.levels is None or readings.ruled is None:
        return None
    chance = readings.acted_upon
    ruled = right_of(sets, readings.ruled)
    truth = np.array([one.conflict for one in sets])
    shallow = _shallow(readings.levels, sure)
    found: list[ThresholdPoint] = []
    for threshold in THRESHOLDS:
        acted = chance >= threshold
        right, spent = scored.right[PLAIN].copy(), passes(readings, PLAIN)
        deep = acted if refined is None else acted & ~shallow
        right[deep] = ruled[deep]
        spent[deep] += passes(readings, POLICY)[deep]
        if refined is not None:
            right[acted & shallow] = scored.right[refined][acted & shallow]
        interval = bootstrap_interval(_mean, right.astype(np.float64), seed=seed, resamples=resamples)
        found.append(
            ThresholdPoint(
                threshold,
                float(acted.mean()),
                f1(acted, truth),
                float(right.mean()),
                interval,
                float(spent.mean()),
            )
        )
    rows = tuple(
        (
            "none" if one.threshold > 1 else f"{one.threshold:g}", percent(one.acted), number(one.f1),
            in_percent(one.accuracy, one.interval), number(one.passes, 2),
        )
        for one in found
    )  # fmt: skip
    table = Table(
        "Threshold of detection",
        ("acted upon from", "acted upon", "F1", "right", "passes"),
        rows,
        f"Below it the plain answer; above it {refined or POLICY} for {' and '.join(REFINED_LEVELS)} conflicts typed "
        f"with {sure:g} or more, {POLICY} for the rest. A threshold that is read off this table is fitted to test.",
    )
    return Section("threshold", (table,), {"points": found})


def steps_section(
    sets: Sequence[ClaimSet], readings: Readings, scored: Scored, resamples: int, seed: int = 0
) -> Section | None:
    """Answers after 0, 1, ... steps of refinement, and after steps as long by chance; None without one."""
    if not readings.steps:
        return None
    moved = [0.0, *(float(far) for far in readings.lengths.cumsum(axis=0).mean(axis=1))]
    said = {str(count): (moved[count], answers) for count, answers in readings.steps.items()}
    said[f"{max(readings.steps)}, {RANDOM}"] = (moved[-1], readings.said[RANDOM])
    plain = [one.text for one in readings.said[PLAIN]]
    figures: dict[str, dict[str, object]] = {}
    rows = []
    for name, (far, answers) in said.items():
        right = right_of(sets, answers).astype(np.float64)
        other = np.array([one.text != text for one, text in zip(answers, plain, strict=True)])
        figures[name] = {"moved": far, "changed": float(other.mean())}
        cells = [name, number(far), percent(float(other.mean()))]
        for group, mask in scored.groups.items():
            own = right[mask]
            interval = bootstrap_interval(_mean, own, seed=seed, resamples=resamples)
            figures[name][group] = {"accuracy": float(own.mean()), "interval": interval}
            cells.append(in_percent(float(own.mean()), interval if group == ALL else None))
        rows.append(tuple(cells))
    table = Table(
        "Steps of refinement",
        ("steps", "moved", "changed", *scored.groups),
        tuple(rows),
        "Moved: sum of the steps' lengths, each the mean over tokens of its size over the state's. Changed: answers in "
        "other words than the plain one, which is 0 steps. The weights were trained with the last number of steps.",
    )
    return Section("steps", (table,), figures)


def _shallow(levels: FloatArray, sure: float) -> BoolArray:
    places = [LEVELS.index(level) for level in REFINED_LEVELS]
    best = levels[:, 1:].argmax(axis=1) + 1
    share = levels[np.arange(len(levels)), best] / np.maximum(levels[:, 1:].sum(axis=1), 1e-12)
    return np.asarray(np.isin(best, places) & (share >= sure))


def _mean(values: ArrayLike) -> float:
    return float(np.mean(np.asarray(values, dtype=np.float64)))
