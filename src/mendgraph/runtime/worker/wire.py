"""Rows, outcomes and errors as plain data, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from mendgraph import errors
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import BadOutput, MendError

__all__ = [
    "error_from_wire",
    "error_to_wire",
    "outcomes_from_wire",
    "outcomes_to_wire",
    "rows_from_wire",
    "rows_to_wire",
]

Outcome = Prediction | Failure

_PREDICTION, _FAILURE = "prediction", "failure"


def rows_to_wire(rows: Sequence[Input]) -> list[Any]:
    return [[row.text, row.raw, dict(row.facts)] for row in rows]


def rows_from_wire(data: Any) -> list[Input]:
    return [Input(*row) for row in data]


def outcomes_to_wire(outcomes: Sequence[Outcome]) -> list[Any]:
    return [_prediction(one) if isinstance(one, Prediction) else _failure(one) for one in outcomes]


def outcomes_from_wire(data: Any, rows: int) -> list[Outcome]:
    """One outcome per row.

    Raises:
        BadOutput: this is no list of `rows` outcomes.
    """
    try:
        outcomes = [_outcome(*one) for one in data]
    except (TypeError, ValueError) as error:
        raise BadOutput(f"a worker's answer cannot be read: {error}") from error
    if len(outcomes) != rows:
        raise BadOutput(f"a worker answered {len(outcomes)} of {rows} rows")
    return outcomes


def error_to_wire(error: MendError) -> dict[str, Any]:
    """`kinds` runs from the error's own class up to `MendError`: the other side may not know a plugin's."""
    kinds = [kind.kind for kind in type(error).__mro__ if issubclass(kind, MendError)]
    return {"kinds": kinds, "message": error.message, "hint": error.hint}


def error_from_wire(data: Any) -> MendError:
    """The same error, or one of the nearest class that is known here.

    Raises:
        BadOutput: this is no error.
    """
    try:
        kind = next(kind for kind in data["kinds"] if kind in _KINDS)
        return _KINDS[kind](str(data["message"]), hint=str(data["hint"]))
    except (KeyError, TypeError, StopIteration) as error:
        raise BadOutput(f"a worker's failure cannot be read: {error!r}") from error


def _prediction(one: Prediction) -> list[Any]:
    return [
        _PREDICTION,
        one.label,
        dict(one.scores),
        one.raw,
        one.confidence,
        dict(one.signals),
        one.value,
    ]


def _failure(one: Failure) -> list[Any]:
    return [_FAILURE, one.kind, one.message, one.hint, one.retryable]


def _outcome(which: str, *fields: Any) -> Outcome:
    if which == _PREDICTION:
        return Prediction(*fields)
    if which == _FAILURE:
        return Failure(*fields)
    raise ValueError(f"{which!r} is neither a prediction nor a failure")


def _family(base: type[MendError]) -> Iterator[type[MendError]]:
    own = [kind for kind in base.__subclasses__() if kind.__module__ == errors.__name__]
    return chain([base], *map(_family, own))


# An unknown name is made from other arguments; it crosses as its parent.
_KINDS = {kind.kind: kind for kind in _family(MendError) if kind is not errors.UnknownNameError}
