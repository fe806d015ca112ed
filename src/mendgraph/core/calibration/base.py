"""What every calibrator can do, and how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, Final, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from mendgraph.core.arrays import PROBABILITY_FLOOR, FloatArray, IntArray, class_indices, probability_matrix
from mendgraph.core.registry import Registry
from mendgraph.errors import ArtifactError, DataError

MINIMUM_ROWS: Final = 2


class Calibrator(Protocol):
    """A fitted map from raw to calibrated probabilities.

    Fit on held-out rows only.  Arrays: `probabilities` (N, C) with rows summing to 1, `labels` (N,) class
    indices.  `fingerprint` names the weights the calibrator was fitted for; "" when unknown.
    """

    kind: ClassVar[str]

    @property
    def fingerprint(self) -> str: ...

    @classmethod
    def fit(cls, probabilities: ArrayLike, labels: ArrayLike, *, fingerprint: str = "") -> Self: ...

    def transform(self, probabilities: ArrayLike) -> FloatArray:
        """(N, C) calibrated probabilities, rows summing to 1."""
        ...

    def classes(self, probabilities: ArrayLike) -> IntArray:
        """(N,) the class of each row that `confidence` speaks of."""
        ...

    def confidence(self, probabilities: ArrayLike) -> FloatArray:
        """(N,) calibrated probability in [0, 1] that `classes` is right."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """JSON values only; with ``kind``."""
        ...

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self: ...


CALIBRATORS: Final[Registry[type[Calibrator]]] = Registry("calibrator")


def calibrator_from_dict(data: Mapping[str, Any]) -> Calibrator:
    """The calibrator that `to_dict` described, whatever its kind."""
    if "kind" not in data:
        raise ArtifactError(f"calibration has no 'kind', got keys {sorted(data)}", hint=_REFIT)
    return CALIBRATORS[data["kind"]].from_dict(data)


class Stored:
    """`to_dict` and `from_dict` for frozen dataclasses of floats, strings and tuples of floats."""

    __slots__ = ()
    kind: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {
            "kind": self.kind,
            **{name: list(value) if isinstance(value, tuple) else value for name, value in values.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        expected = {"kind", *(field.name for field in fields(cls))}  # type: ignore[arg-type]
        if data.get("kind") != cls.kind or set(data) != expected:
            raise ArtifactError(
                f"{cls.kind} calibration needs kind {cls.kind!r} and keys {sorted(expected)}, "
                f"got kind {data.get('kind')!r} and keys {sorted(data)}",
                hint=_REFIT,
            )
        values = {name: value for name, value in data.items() if name != "kind"}
        return cls(
            **{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        )


def fitting_set(probabilities: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, IntArray]:
    matrix = probability_matrix(probabilities, DataError)
    if len(matrix) < MINIMUM_ROWS:
        raise DataError(
            f"calibration needs at least {MINIMUM_ROWS} labelled rows, got {len(matrix)}",
            hint="hold out more rows; some hundred make a usable calibration",
        )
    return matrix, class_indices(labels, *matrix.shape)


def require(valid: bool, message: str) -> None:
    if not valid:
        raise ArtifactError(message, hint=_REFIT)


def finite(*values: float) -> bool:
    return bool(np.isfinite(values).all())


def with_confidence(probabilities: FloatArray, confidence: FloatArray) -> FloatArray:
    """Each row's largest probability replaced by `confidence`, the others rescaled to sum to the rest.

    The others are clipped at 1e-12 first, so all-zero ones share the rest equally.  A single class keeps
    probability 1.
    """
    rows, classes = probabilities.shape
    if classes == 1:
        return probabilities
    top = (np.arange(rows), probabilities.argmax(axis=1))
    others = np.maximum(probabilities, PROBABILITY_FLOOR)
    others[top] = 0.0
    result = others * ((1 - confidence) / others.sum(axis=1))[:, None]
    result[top] = confidence
    return np.asarray(result, dtype=np.float64)


_REFIT: Final = "calibrate the tier again"
