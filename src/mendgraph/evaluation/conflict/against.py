"""Which system is better, on the same questions: paired differences and McNemar's test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.metrics import bootstrap_interval, mcnemar
from mendgraph.evaluation.conflict.answers import Scored
from mendgraph.evaluation.conflict.said import ALWAYS, GUESS
from mendgraph.evaluation.report import Section, Table, points

__all__ = ["against_section"]

_TRIVIAL = (ALWAYS, GUESS)


def against_section(scored: Scored, rivals: Sequence[str], resamples: int, seed: int = 0) -> Section:
    """
    Args:
        rivals: systems that the others are compared with.
    """
    figures: dict[str, dict[str, dict[str, object]]] = {}
    tables = []
    for rival in rivals:
        gains, tests = [], []
        for name in scored.right:
            if name == rival or name in _TRIVIAL:
                continue
            differences, counts = [name], [name]
            for group, mask in scored.groups.items():
                own, other = (scored.right[one][mask].astype(np.float64) for one in (name, rival))
                gain = float(own.mean() - other.mean())
                interval = bootstrap_interval(_gain, own, other, seed=seed, resamples=resamples)
                test = mcnemar(own, other)
                figures.setdefault(rival, {}).setdefault(name, {})[group] = {
                    "gain": gain, "interval": interval, "gained": test.gained, "lost": test.lost, "p": test.p,
                }  # fmt: skip
                differences.append(f"{points(gain)} [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]")
                counts.append(f"{test.gained}:{test.lost} {_p(test.p)}")
            gains.append(tuple(differences))
            tests.append(tuple(counts))
        header = ("system", *scored.groups)
        tables += [
            Table(
                f"Better than {rival}? Percentage points",
                header,
                tuple(gains),
                "The same questions resampled for both; 95 % intervals.",
            ),
            Table(
                f"Answers that only one of the two has right, the system : {rival}",
                header,
                tuple(tests),
                "p: McNemar's test, exact, two-sided, not corrected for the number of comparisons.",
            ),
        ]
    return Section("against", tuple(tables), figures)


def _p(value: float) -> str:
    return "p<.001" if value < 0.001 else f"p={value:.3f}".replace("0.", ".", 1)


def _gain(own: ArrayLike, other: ArrayLike) -> float:
    return float(np.mean(np.asarray(own)) - np.mean(np.asarray(other)))
