"""Where to draw the line for a wanted share of strong calls, or a wanted share of the gap; and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mendgraph.core.arrays import FloatArray
from mendgraph.errors import DataError
from mendgraph.evaluation.prompt_routing.recovery import curve
from mendgraph.evaluation.prompt_routing.trials import Fit
from mendgraph.evaluation.report import Table, number, percent
from mendgraph.training.prompt_routing.outcomes import Outcomes

SHARES = (0.1, 0.2, 0.3, 0.5)
QUALITIES = (0.5, 0.8)


@dataclass(frozen=True, slots=True)
class Line:
    """A threshold fitted on some rows and tried on others, over draws.

    Attributes:
        wanted: share of strong calls, or share of the gap.
        threshold: strong model where the expected gain is above it; mean over draws.
        calls, recovered: shares reached on the other rows, mean over draws.
        deviation: root mean square of (reached - wanted) over draws, in the unit of `wanted`.
    """

    wanted: float
    threshold: float
    calls: float
    recovered: float
    deviation: float


def threshold_for_calls(expected: FloatArray, share: float) -> float:
    """Expected gain (N,) above which lies the wanted share of prompts; needs no labels."""
    if not 0 <= share <= 1:
        raise DataError(f"share of strong calls must lie in [0, 1], got {share!r}")
    return float(np.quantile(expected, 1 - share))


def threshold_for_quality(expected: FloatArray, gain: FloatArray, wanted: float) -> float:
    """Highest threshold on the expected gain (N,) that recovers `wanted` of the gap on these labelled rows."""
    calls, share = curve(expected, gain, np.ones((1, len(gain))))
    reached = np.flatnonzero(share[0] >= wanted)
    if not len(reached):
        raise DataError("the strong model is no better than the weak one on these rows")
    return threshold_for_calls(expected, float(calls[0, reached[0]]))


def threshold_lines(
    fit: Fit,
    train: Outcomes,
    test: Outcomes,
    weak: str,
    strong: str,
    *,
    labels: int,
    held: int,
    draws: int,
    seed: int = 0,
) -> tuple[dict[float, Line], dict[float, Line]]:
    """Lines for `SHARES` and for `QUALITIES`: `labels` rows train, `held` others place the line, `test` judges."""
    if labels + held > len(train):
        raise DataError(f"cannot draw {labels} + {held} rows of {len(train)}", hint="ask for fewer labels")
    low, high = (test.models.index(name) for name in (weak, strong))
    found: dict[tuple[str, float], list[tuple[float, float, float]]] = {}
    gain = test.scores[:, high] - test.scores[:, low]
    for draw in range(draws):
        order = np.random.default_rng(seed + draw).permutation(len(train))
        taught, placed = train.take(order[:labels]), train.take(order[labels : labels + held])
        both = fit(taught, [*placed.prompts, *test.prompts], seed + draw)
        expected = both[:, high] - both[:, low]
        here, there = expected[:held], expected[held:]
        known = placed.scores[:, high] - placed.scores[:, low]
        lines_here = {("calls", wish): threshold_for_calls(here, wish) for wish in SHARES}
        lines_here |= {("quality", wish): threshold_for_quality(here, known, wish) for wish in QUALITIES}
        for key, threshold in lines_here.items():
            called = there > threshold
            reached = (threshold, float(called.mean()), float(gain[called].sum() / gain.sum()))
            found.setdefault(key, []).append(reached)
    lines = {key: _line(key, np.array(rows)) for key, rows in found.items()}
    by_kind = tuple(
        {wish: line for (k, wish), line in lines.items() if k == kind} for kind in ("calls", "quality")
    )
    return by_kind[0], by_kind[1]


def _line(key: tuple[str, float], rows: FloatArray) -> Line:
    kind, wanted = key
    reached = rows[:, 1] if kind == "calls" else rows[:, 2]
    threshold, calls, share = rows.mean(axis=0)
    deviation = float(np.sqrt(((reached - wanted) ** 2).mean()))
    return Line(wanted, float(threshold), float(calls), float(share), deviation)


def threshold_table(
    title: str, by_calls: dict[float, Line], by_quality: dict[float, Line], note: str
) -> Table:
    return Table(
        title,
        ("wanted", "threshold on the expected gain", "strong calls", "gap recovered", "deviation from the wish"),
        tuple(
            (f"{percent(line.wanted)} {what}", number(line.threshold), percent(line.calls),
             percent(line.recovered), f"{100 * line.deviation:.1f} points")
            for what, lines in (("strong calls", by_calls), ("of the gap", by_quality))
            for line in lines.values()
        ),
        note,
    )  # fmt: skip
