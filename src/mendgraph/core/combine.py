"""Combination of tiers: a log-linear opinion pool (Genest and Zidek, 1986) learned on held-out rows.

    logits[c] = sum_t weight[t] log max(p_t(c), 1e-4) + bias[c]
              + sum_s (signal_s - mean_s) signal_weight[s, c]

Minimised: the cross-entropy summed over the rows + l2/2 (|weight - 1/T|^2 + |bias|^2 + |signal_weight|^2),
which is the geometric mean of the tiers as long as no data say otherwise.  The probabilities must come from
rows that no tier was trained on, or the tier that overfits most gets the largest weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, combinations
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import (
    FloatArray,
    IntArray,
    class_indices,
    clipped_log,
    probability_matrix,
    same_length,
    softmax,
)
from mendgraph.core.conditional_logit import fit_conditional_logit
from mendgraph.errors import ArtifactError, BadOutput, DataError, MendError

FLOOR: Final = 1e-4
"""One tier's certainty is worth at most log 1e4 per unit of weight, so no tier can veto all the others."""

MOST_TIERS: Final = 6
"""A set of six tiers already has 57 combinations to fit."""


@dataclass(frozen=True, slots=True)
class Combiner:
    """A fitted pool of the given tiers.

    Attributes:
        tiers: (T,) names, in the order of `weights`.
        class_names: (C,) in the column order of all probabilities.
        weights: (T,) may be negative: a tier that errs where the others do is subtracted.
        bias: (C,)
        signals: (S,) names.
        signal_means: (S,) over the fitting rows; what an absent signal counts as.
        signal_weights: (S, C)
        fingerprint: names the weights of the tiers it was fitted for; "" when unknown.
    """

    tiers: tuple[str, ...]
    class_names: tuple[str, ...]
    weights: tuple[float, ...]
    bias: tuple[float, ...]
    signals: tuple[str, ...] = ()
    signal_means: tuple[float, ...] = ()
    signal_weights: tuple[tuple[float, ...], ...] = ()
    fingerprint: str = ""

    def __post_init__(self) -> None:
        classes = len(self.class_names)
        numbers = [*self.weights, *self.bias, *self.signal_means, *chain.from_iterable(self.signal_weights)]
        if (
            not self.tiers
            or len(self.weights) != len(self.tiers)
            or len(self.bias) != classes
            or not len(self.signals) == len(self.signal_means) == len(self.signal_weights)
            or any(len(row) != classes for row in self.signal_weights)
            or not np.isfinite(numbers).all()
        ):
            raise ArtifactError(
                f"combiner of tiers {self.tiers!r} has weights of the wrong shape or not finite",
                hint="fit the combiner again",
            )

    @classmethod
    def fit(
        cls,
        probabilities: Mapping[str, ArrayLike],
        labels: ArrayLike,
        class_names: Sequence[str],
        signals: Mapping[str, ArrayLike] | None = None,
        *,
        l2: float = 1.0,
        balance: float = 0.0,
        fingerprint: str = "",
    ) -> Self:
        """Fit on held-out rows.

        Args:
            balance: a row of class c counts ``(N / (C n_c)) ** balance``: 0 for the frequencies as they are, 1
                for classes of equal weight.
            probabilities: tier -> (N, C), columns in the order of `class_names`.
            labels: (N,) class indices.
            signals: name -> (N,); NaN where a row has none.
        """
        tiers, names = tuple(probabilities), tuple(class_names)
        logs = _log_pool(tiers, names, probabilities, DataError)
        rows = len(logs)
        if rows < 2:
            raise DataError(
                f"a combiner needs at least 2 labelled rows, got {rows}", hint="hold out more rows"
            )
        given = signals or {}
        means = {name: _known_mean(name, same_length(name, column, rows)) for name, column in given.items()}
        truth = class_indices(labels, rows, len(names))
        weights, per_class = fit_conditional_logit(
            logs,
            np.eye(len(names))[truth],
            prior=np.full(len(tiers), 1 / len(tiers)),
            rows=np.column_stack([np.ones(rows), *(_centred(given[name], means[name]) for name in given)]),
            l2=l2,
            importance=_importance(truth, len(names), balance),
        )
        return cls(
            tiers=tiers,
            class_names=names,
            weights=tuple(weights.tolist()),
            bias=tuple(per_class[:, 0].tolist()),
            signals=tuple(given),
            signal_means=tuple(means.values()),
            signal_weights=tuple(tuple(column) for column in per_class[:, 1:].T.tolist()),
            fingerprint=fingerprint,
        )

    def combine(
        self, probabilities: Mapping[str, ArrayLike], signals: Mapping[str, ArrayLike] | None = None
    ) -> FloatArray:
        """(N, C), rows summing to 1.

        Args:
            probabilities: tier -> (N, C); tiers beyond `tiers` are ignored, a missing one is a `DataError`.
            signals: name -> (N,); one that is absent, or NaN in a row, counts as its mean.
        """
        missing = [tier for tier in self.tiers if tier not in probabilities]
        if missing:
            raise DataError(
                f"combiner of {', '.join(self.tiers)} has no probabilities of {', '.join(missing)}",
                hint="choose a combiner of the tiers that answered with CombinerSet.for_tiers",
            )
        logs = _log_pool(self.tiers, self.class_names, probabilities, BadOutput)
        logits = logs @ np.array(self.weights) + np.array(self.bias)
        for name, mean, weights in zip(self.signals, self.signal_means, self.signal_weights, strict=True):
            if signals is not None and name in signals:
                values = same_length(name, signals[name], len(logs))
                logits = logits + _centred(values, mean)[:, None] * np.array(weights)
        return softmax(np.asarray(logits, dtype=np.float64))

    def to_dict(self) -> dict[str, Any]:
        data = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }
        return {**data, "signal_weights": [list(row) for row in self.signal_weights]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        if set(data) != set(cls.__slots__):
            raise ArtifactError(
                f"combiner needs keys {sorted(cls.__slots__)}, got {sorted(data)}",
                hint="fit the combiner again",
            )
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items()
        }
        values["signal_weights"] = tuple(tuple(row) for row in data["signal_weights"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class CombinerSet:
    """One `Combiner` for every subset of two or more tiers: whoever fails on a row, the rest combine."""

    combiners: tuple[Combiner, ...]

    @classmethod
    def fit(
        cls,
        probabilities: Mapping[str, ArrayLike],
        labels: ArrayLike,
        class_names: Sequence[str],
        signals: Mapping[str, ArrayLike] | None = None,
        *,
        l2: float = 1.0,
        balance: float = 0.0,
        fingerprint: str = "",
    ) -> Self:
        """Arguments as in `Combiner.fit`; two to six tiers."""
        if not 2 <= len(probabilities) <= MOST_TIERS:
            raise DataError(
                f"a combiner set takes 2 to {MOST_TIERS} tiers, got {len(probabilities)}",
                hint="leave out the tiers that add least, or fit single combiners",
            )
        return cls(
            tuple(
                Combiner.fit(
                    {tier: probabilities[tier] for tier in chosen},
                    labels,
                    class_names,
                    signals,
                    l2=l2,
                    balance=balance,
                    fingerprint=fingerprint,
                )
                for size in range(2, len(probabilities) + 1)
                for chosen in combinations(probabilities, size)
            )
        )

    def for_tiers(self, names: Iterable[str]) -> Combiner | None:
        """The combiner of the most tiers among `names`; None when fewer than two of them are known."""
        answered = set(names)
        usable = [combiner for combiner in self.combiners if answered.issuperset(combiner.tiers)]
        return max(usable, key=lambda combiner: len(combiner.tiers), default=None)

    def to_dict(self) -> dict[str, Any]:
        return {"combiners": [combiner.to_dict() for combiner in self.combiners]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return cls(tuple(Combiner.from_dict(item) for item in data["combiners"]))


def _log_pool(
    tiers: tuple[str, ...],
    class_names: tuple[str, ...],
    probabilities: Mapping[str, ArrayLike],
    error: type[MendError],
) -> FloatArray:
    """(N, C, T)"""
    matrices = [probability_matrix(probabilities[tier], error) for tier in tiers]
    shapes = {tier: matrix.shape for tier, matrix in zip(tiers, matrices, strict=True)}
    if len(set(shapes.values())) != 1 or matrices[0].shape[1] != len(class_names):
        raise error(f"tiers must agree on rows and on {len(class_names)} classes, got shapes {shapes}")
    return np.stack([clipped_log(matrix, FLOOR) for matrix in matrices], axis=2)


def _importance(truth: IntArray, classes: int, balance: float) -> FloatArray:
    """(N,) with mean 1, so that the penalty keeps its meaning."""
    counts = np.bincount(truth, minlength=classes)
    weights = (len(truth) / (classes * np.maximum(counts, 1.0))) ** balance
    return np.asarray(weights[truth] / weights[truth].mean(), dtype=np.float64)


def _centred(values: ArrayLike, mean: float) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(array), 0.0, array - mean)


def _known_mean(name: str, column: ArrayLike) -> float:
    values = np.asarray(column, dtype=np.float64)
    if np.isinf(values).any() or np.isnan(values).all():
        raise DataError(f"signal {name!r} must be finite where known, and known in some row")
    return float(np.nanmean(values))
