"""The whole graph's answers in the terms of the other systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mendgraph.core.values import Answer
from mendgraph.evaluation.conflict.said import Row, Said

__all__ = ["Delivered", "counted", "delivered", "row_of"]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the graph gave for one row.

    Attributes:
        said: its best guess, whatever its status, so that it answers as often as the others do.
        accepted: whether it vouched for it.
        probability: of a conflict; None where no tier could say.
        level: of `LEVELS`.
        done: what it did, in order.
        sides: values that it showed.
        status: of the answer.
    """

    said: Said
    accepted: bool
    probability: float | None
    level: str
    done: tuple[str, ...]
    sides: tuple[str, ...]
    status: str


def row_of(row: Row) -> dict[str, Any]:
    """A row as the graph takes it."""
    return {"question": row.question, "documents": [document.to_dict() for document in row.documents]}


def delivered(answer: Answer, seconds: float) -> Delivered:
    """
    Args:
        seconds: wall time of its share of the run.
    """
    value: Mapping[str, Any] = answer.value if isinstance(answer.value, Mapping) else {}
    probability = value.get("probability")
    return Delivered(
        Said(answer.best_guess or "", float(value.get("tokens", 0)), seconds),
        answer.accepted,
        None if probability is None else float(probability),
        str(value.get("level", "")),
        tuple(value.get("done", ())),
        tuple(str(side["value"]) for side in value.get("sides", ())),
        answer.status,
    )


def counted(found: Sequence[Delivered]) -> dict[str, int]:
    """How often each thing was done; samples are counted whatever their number."""
    names = [name.split(" ")[0] for one in found for name in one.done]
    return {name: names.count(name) for name in dict.fromkeys(names)}
