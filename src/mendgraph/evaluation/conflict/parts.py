"""What is measured: a reader with what was trained on its states, the types classifier, and the graph of them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mendgraph.adapters.answerability import Answerability
from mendgraph.adapters.conflict_types import ConflictTypesTier
from mendgraph.adapters.reader.detector import Detector
from mendgraph.adapters.reader.reader import Reader
from mendgraph.adapters.reader.refiner import Refiner
from mendgraph.core.values import Answer

__all__ = ["Parts", "Run"]

Run = Callable[[Sequence[Mapping[str, Any]]], list[Answer]]
"""Rows with ``question`` and ``documents`` to the graph's answers."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What is missing is left out of the tables.

    Attributes:
        refiners: name in the tables -> refinement; the first is the one that the sweep of steps is made with.
        judge: hears what each document says; without one the reader does.
        hybrid: the whole graph.
    """

    reader: Reader
    detector: Detector | None = None
    refiners: Mapping[str, Refiner] = field(default_factory=dict)
    types: ConflictTypesTier | None = None
    judge: Answerability | None = None
    hybrid: Run | None = None
