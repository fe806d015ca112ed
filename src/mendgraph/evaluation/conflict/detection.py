"""Is there a conflict: AUROC of every system, on generated sets and on real text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import FloatArray
from mendgraph.core.metrics import auroc, bootstrap_interval
from mendgraph.evaluation.conflict.datasets import Sample
from mendgraph.evaluation.report import Section, Table, between

__all__ = ["detection_section"]

Judged = Mapping[str, FloatArray]
"""System -> (N, levels) of one set's samples."""


def detection_section(
    sets: Mapping[str, Sequence[Sample]], judged: Mapping[str, Judged], resamples: int, seed: int = 0
) -> Section:
    """
    Args:
        sets: name -> samples with and without conflicts.
        judged: name of the set -> what each system said of it.
    """
    figures: dict[str, dict[str, dict[str, object]]] = {}
    systems = list(dict.fromkeys(name for found in judged.values() for name in found))
    rows: dict[str, list[str]] = {name: [name] for name in systems}
    for name, samples in sets.items():
        truth = np.array([one.conflict for one in samples])
        groups = np.array([one.group for one in samples])
        figures[name] = {}
        for system in systems:
            if system not in judged[name]:
                rows[system].append("-")
                continue
            sure = 1.0 - judged[name][system][:, 0]
            value = _auroc(sure, truth)
            interval = bootstrap_interval(_auroc, sure, truth, seed=seed, resamples=resamples, groups=groups)
            figures[name][system] = {"auroc": value, "interval": interval}
            rows[system].append(between(value, interval))
    header = ("system", *(f"{name} ({len(samples):,})" for name, samples in sets.items()))
    table = Table(
        "Is there a conflict? AUROC",
        header,
        tuple(tuple(row) for row in rows.values()),
        "Groups (a question, a claim) resampled whole. 0.5 is chance.",
    )
    return Section("detection", (table,), figures)


def _auroc(sure: ArrayLike, truth: ArrayLike) -> float:
    return auroc(np.clip(np.asarray(sure, dtype=np.float64), 0.0, 1.0), truth)
