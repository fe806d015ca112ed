"""What a change would have done to many rows: coverage, cost, labels, accuracy, each with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mendgraph.core.metrics.bootstrap import bootstrap_interval
from mendgraph.core.values import Answer
from mendgraph.errors import DataError
from mendgraph.replay.counterfactual import Rerun

SEED: Final = 0

UNKNOWN: Final = "unknown"

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a row, in short; `seconds` and `cost` are the row's share of what its tiers took."""

    status: str
    label: str | None
    best_guess: str | None
    confidence: float | None
    source: str
    tiers: tuple[str, ...]
    seconds: float
    cost: float

    @classmethod
    def of(cls, answer: Answer, cost: float) -> Ending:
        return cls(
            answer.status,
            answer.label,
            answer.best_guess,
            answer.confidence,
            answer.source,
            tuple(a.tier for a in answer.trail),
            sum(a.seconds for a in answer.trail),
            cost,
        )

    @property
    def shown(self) -> str:
        """The label where there is one, else the status in brackets."""
        return self.label if self.label is not None else f"({self.status})"


@dataclass(frozen=True, slots=True)
class Row:
    """One row before and after; `after` is None where it is unknown."""

    run: str
    row: int
    text: str
    key: str
    before: Ending
    after: Ending | None

    @property
    def changed(self) -> bool:
        return self.after is not None and (
            (self.before.status, self.before.label, self.before.best_guess)
            != (self.after.status, self.after.label, self.after.best_guess)
        )

    def to_dict(self) -> dict[str, Any]:
        after = asdict(self.after) if self.after else None
        return {
            "run": self.run,
            "row": self.row,
            "input": self.text,
            "before": asdict(self.before),
            "after": after,
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """One figure before and after, and the 95 % interval of the change by a paired bootstrap over rows.

    Attributes:
        rows: how many rows it is taken over.
        after_low, after_high: equal unless rows are unknown: the figure if all of them had gone one way or the
            other.
        low, high: interval of the change; with unknown rows from the lowest to the highest that is possible.
    """

    name: str
    rows: int
    before: float
    after_low: float
    after_high: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Effects:
    """A counterfactual's report.

    Attributes:
        statuses: status -> rows before and after; ``unknown`` has rows only after.
        effects: figure by figure.
        tiers: tier -> rows it was asked about before and after, among the rows that are known.
        labels: (before, after) -> rows, where they differ.
        rows: all of them, oldest run first.
        judged: rows whose truth is known.
    """

    statuses: Mapping[str, tuple[int, int]]
    effects: tuple[Effect, ...]
    tiers: Mapping[str, tuple[int, int]]
    labels: Mapping[tuple[str, str], int]
    rows: tuple[Row, ...]
    judged: int

    @property
    def unknown(self) -> int:
        return sum(row.after is None for row in self.rows)

    @property
    def changed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.changed)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without the rows."""
        return {
            "rows": len(self.rows),
            "unknown": self.unknown,
            "changed": len(self.changed),
            "statuses": {name: {"before": b, "after": a} for name, (b, a) in self.statuses.items()},
            "effects": [asdict(effect) for effect in self.effects],
            "tiers": {name: {"before": b, "after": a} for name, (b, a) in self.tiers.items()},
            "labels": [{"before": b, "after": a, "rows": n} for (b, a), n in self.labels.items()],
            "judged": self.judged,
        }


def effects_of(
    reruns: Iterable[Rerun], truth: Mapping[str, str] | None = None, *, resamples: int = 1000
) -> Effects:
    """Adds many rows up.

    Args:
        truth: `Entry.key` of a text -> its label.

    Raises:
        DataError: there are no rows.
    """
    rows = sorted((_row(one) for one in reruns), key=lambda pair: pair[0])
    found = tuple(row for _, row in rows)
    if not found:
        raise DataError("no recorded rows fit", hint="`mend journal list` shows the runs")
    known = [row for row in found if row.after is not None]
    labels = {row: truth[row.key] for row in known if truth and row.key in truth}
    effects = [_coverage(found, resamples)]
    if known:
        effects += [
            _mean("seconds per row", known, lambda e: e.seconds, resamples),
            _mean("cost per row", known, lambda e: e.cost, resamples),
        ]
    if labels:
        effects += _accuracies(labels, resamples)
    return Effects(
        statuses=_counted((r.before.status, r.after.status if r.after else UNKNOWN) for r in found),
        effects=tuple(effects),
        tiers=_asked(known),
        labels=dict(_moves(known).most_common()),
        rows=found,
        judged=len(labels),
    )


def _row(one: Rerun) -> tuple[tuple[float, str, int], Row]:
    entry = one.entry
    after = Ending.of(one.after, one.cost_after) if one.known else None
    row = Row(
        entry.run, entry.row, entry.answer.input, entry.key, Ending.of(one.before, one.cost_before), after
    )
    return (entry.at, entry.run, entry.row), row


def _coverage(rows: Sequence[Row], resamples: int) -> Effect:
    """Share of rows accepted; unknown rows count as not accepted at one end, as accepted at the other."""
    before = np.array([row.before.status == "accepted" for row in rows], dtype=np.float64)
    least = np.array(
        [row.after is not None and row.after.status == "accepted" for row in rows], dtype=np.float64
    )
    most = np.array([row.after is None or row.after.status == "accepted" for row in rows], dtype=np.float64)
    low, high = _change(before, least, resamples)
    if not np.array_equal(least, most):
        high = _change(before, most, resamples)[1]
    return Effect("coverage", len(before), *map(float, (before.mean(), least.mean(), most.mean(), low, high)))


def _mean(name: str, rows: Iterable[Row], of: Callable[[Ending], float], resamples: int) -> Effect:
    pairs = [(of(row.before), of(row.after)) for row in rows if row.after is not None]
    before, after = np.array(pairs, dtype=np.float64).T
    mean = float(after.mean())
    return Effect(name, len(pairs), float(before.mean()), mean, mean, *_change(before, after, resamples))


def _accuracies(labels: Mapping[Row, str], resamples: int) -> list[Effect]:
    pairs = [(row.before, row.after, label) for row, label in labels.items() if row.after is not None]
    right = np.array([[b.best_guess == t, a.best_guess == t] for b, a, t in pairs], dtype=np.float64).T
    taken = np.array(
        [[b.status == "accepted", a.status == "accepted"] for b, a, _ in pairs], dtype=np.float64
    ).T
    everywhere = np.ones_like(taken)
    return [
        _share("accuracy of accepted rows", right, taken, resamples),
        _share("accuracy of best guesses", right, everywhere, resamples),
    ]


def _share(name: str, right: Array, taken: Array, resamples: int) -> Effect:
    """`right` among `taken`; both (2, N), before and after."""

    def share(hits: Array, of: Array) -> float:
        return float((hits * of).sum() / of.sum()) if of.any() else float("nan")

    def change(hits_before: Array, hits_after: Array, before: Array, after: Array) -> float:
        return share(hits_after, after) - share(hits_before, before)

    interval = bootstrap_interval(change, *right, *taken, seed=SEED, resamples=resamples)
    after = share(right[1], taken[1])
    return Effect(name, right.shape[1], share(right[0], taken[0]), after, after, *interval)


def _change(before: Array, after: Array, resamples: int) -> tuple[float, float]:
    return bootstrap_interval(
        lambda change: float(change.mean()), after - before, seed=SEED, resamples=resamples
    )


def _counted(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for one, other in pairs:
        before[one] += 1
        after[other] += 1
    names = sorted({*before, *after}, key=lambda name: (name == UNKNOWN, -before[name], name))
    return {name: (before[name], after[name]) for name in names}


def _asked(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    before = Counter(tier for row in rows for tier in row.before.tiers)
    after = Counter(tier for row in rows if row.after for tier in row.after.tiers)
    return {tier: (before[tier], after[tier]) for tier in {**before, **after}}


def _moves(rows: Iterable[Row]) -> Counter[tuple[str, str]]:
    return Counter(
        (row.before.shown, row.after.shown)
        for row in rows
        if row.after is not None and row.before.shown != row.after.shown
    )
