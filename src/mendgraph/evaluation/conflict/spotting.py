"""Is a conflict reported where there is one: F1 and calibration at a threshold, level by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray
from mendgraph.core.conflict import LEVELS
from mendgraph.core.metrics import auroc, bootstrap_interval, ece
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.report import Section, Table, between, percent

__all__ = ["CHANCE_AUROC", "expected_calibration_error", "spotting_section"]

CHANCE_AUROC = 0.5


def spotting_section(
    sets: Mapping[str, Sequence[Sample]],
    probabilities: Mapping[str, Mapping[str, FloatArray]],
    thresholds: Mapping[str, float],
    resamples: int,
    seed: int = 0,
) -> Section:
    """
    Args:
        probabilities: name of the set -> system -> (N,) probability of a conflict.
        thresholds: system -> probability from which it reports one; one half where it is not named.
    """
    figures: dict[str, dict[str, dict[str, object]]] = {}
    rows: list[tuple[str, ...]] = []
    found_rows: list[tuple[str, ...]] = []
    blind: list[str] = []
    for name, samples in sets.items():
        truth = np.array([one.conflict for one in samples])
        groups = np.array([one.group for one in samples])
        levels = np.array([one.level for one in samples])
        always = f1(np.ones(len(truth), dtype=bool), truth)
        figures[name] = {"always a conflict": {"f1": always}}
        rows.append((name, "always a conflict", "0.500", f"{always:.3f}", "-", "-"))
        for system, sure in probabilities[name].items():
            threshold = thresholds.get(system, 0.5)
            said = sure >= threshold
            area = auroc(np.clip(sure, 0.0, 1.0), truth)
            spread = bootstrap_interval(_auroc, sure, truth, seed=seed, resamples=resamples, groups=groups)
            score = f1(said, truth)
            reach = bootstrap_interval(f1, said, truth, seed=seed, resamples=resamples, groups=groups)
            gap = expected_calibration_error(sure, truth)
            off = bootstrap_interval(
                expected_calibration_error, sure, truth, seed=seed, resamples=resamples, groups=groups
            )
            share = {
                level: float(said[levels == level].mean()) for level in LEVELS if (levels == level).any()
            }
            figures[name][system] = {
                "auroc": area, "auroc interval": spread, "f1": score, "f1 interval": reach, "ece": gap,
                "ece interval": off, "threshold": threshold, "reported": share,
            }  # fmt: skip
            if spread[0] <= CHANCE_AUROC:
                blind.append(f"{system} on {name}")
            rows.append(
                (
                    name,
                    system,
                    between(area, spread),
                    between(score, reach),
                    between(gap, off),
                    f"{threshold:g}",
                )
            )
            found_rows.append(
                (name, system, *(percent(share[level]) if level in share else "-" for level in LEVELS))
            )
    note = (
        "F1 of reporting a conflict at the threshold; ECE over 15 bins. Groups (a question, a claim) resampled whole. "
        f"AUROC not above chance: {'; '.join(blind) or 'none'}."
    )
    table = Table(
        "Reported conflicts", ("set", "system", "AUROC", "F1", "ECE", "threshold"), tuple(rows), note
    )
    reported = Table(
        "Share that is reported as a conflict, by what it is",
        ("set", "system", *LEVELS),
        tuple(found_rows),
        "Of sets without a conflict (none) it is the share of false alarms.",
    )
    return Section("spotting", (table, reported), figures)


def f1(said: ArrayLike, truth: ArrayLike) -> float:
    """Of the conflicts; 0 where none is reported."""
    mine, real = np.asarray(said, dtype=bool), np.asarray(truth, dtype=bool)
    hits = float((mine & real).sum())
    return 2 * hits / max(float(mine.sum() + real.sum()), 1.0)


def expected_calibration_error(sure: ArrayLike, truth: ArrayLike) -> float:
    """Of the more probable of conflict and none, in [0, 1]."""
    chance = np.clip(np.asarray(sure, dtype=np.float64), 0.0, 1.0)
    said = chance >= 0.5
    return ece(np.where(said, chance, 1 - chance), said == np.asarray(truth, dtype=bool))


def _auroc(sure: ArrayLike, truth: ArrayLike) -> float:
    return auroc(np.clip(np.asarray(sure, dtype=np.float64), 0.0, 1.0), truth)
