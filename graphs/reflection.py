"""Reflection: how well a counsellor's response reflects what the client said, in three levels and a score."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.core.reflection import FIELDS, LABELS
from mendgraph.nodes.cascade import Cascade, build_cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.state import CascadeState

__all__ = ["EXAMPLE", "FIELDS", "FIGURES", "LABELS", "QUESTION", "ReflectionState", "build"]

FIGURES = ("score",)
QUESTION = "How well does the response reflect what the client said?"
EXAMPLE = {
    "prompt": "I know I should stop smoking, but every time I try I end up shouting at my kids.",
    "response": "You want to quit, and you worry about what it would cost the people you love.",
}


class ReflectionState(CascadeState):
    """`inputs` are pairs of a prompt and a response; `answers[i]["value"]` holds ``score`` in [0, 1] and ``level``."""


def build(context: Context, *, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Cascade:
    """The reflection graph over the tiers of `context`."""
    return build_cascade("reflection", context, state=ReflectionState, checkpointer=checkpointer)
