"""Conflict: documents that may contradict each other, and an answer that takes it into account."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.core.conflict import FIELDS, LEVELS
from mendgraph.core.conflict_stages import Ways
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.conflict import ConflictState, build_conflict
from mendgraph.nodes.conflict_finding import Shelf
from mendgraph.nodes.context import Context

__all__ = ["EXAMPLE", "FIELDS", "FIGURES", "LABELS", "ConflictGraphState", "build"]

FIGURES = ("level", "probability", "passes")
LABELS = LEVELS
EXAMPLE = {
    "question": "When was the bridge over the Oder built?",
    "documents": [
        "[2019, city archive] The bridge over the Oder was built in 1912.",
        "[2004, travel magazine] The bridge over the Oder was built in 1921.",
    ],
}


class ConflictGraphState(ConflictState):
    """`inputs` are questions with documents.

    `answers[i]["value"]` holds ``text``, ``conflict``, ``probability`` of a conflict, its ``level`` and ``code`` (L1 to
    L4), ``levels`` with the probability of each, ``passages`` (``document``, quoted ``text``, ``start`` and ``end`` of
    the value in the document or -1, what it ``says``), ``sides`` (``value``, ``documents``), what was ``done``, the
    ``reason``, ``passes`` and ``tokens`` of the reader, and ``notes`` on what was cut or left out.
    """


def build(
    context: Context,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    ways: Ways | None = None,
    shelf: Shelf | None = None,
) -> Cascade:
    """The conflict graph over the tiers of `context`."""
    return build_conflict(
        "conflict", context, state=ConflictGraphState, ways=ways, shelf=shelf, checkpointer=checkpointer
    )
