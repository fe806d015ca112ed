"""Emotion: eight classes, an irony check, backup tiers that differ, a combination of all, and the user."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.nodes.cascade import Cascade, build_cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.state import CascadeState

LABELS = ("joy", "sadness", "anger", "fear", "love", "surprise", "neutral", "disgust")
FIELDS = ("text",)
FIGURES = ()
EXAMPLE = "I am so happy today!"
SPECIALIST = ("emoji", "emoji_only")
"""A tier for texts that are nothing but emoji."""


class EmotionState(CascadeState):
    """`inputs` are texts; `answers[i]["value"]` maps each of `LABELS` to its probability."""


def build(context: Context, *, checkpointer: BaseCheckpointSaver[Any] | None = None) -> Cascade:
    """The emotion graph over the tiers of `context`."""
    return build_cascade(
        "emotion", context, state=EmotionState, specialist=SPECIALIST, checkpointer=checkpointer
    )
