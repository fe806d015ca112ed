"""Token routing: several experts write one text, token by token; a chunk in doubt is written again."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.core.writing import FIELDS, LABELS, WAYS
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.switches import Switches
from mendgraph.nodes.writing import CHUNK, WritingState, build_writing

__all__ = ["EXAMPLE", "FIELDS", "FIGURES", "LABELS", "OPTIONS", "TokenRoutingState", "build"]

FIGURES = ()
OPTIONS = WAYS
EXAMPLE = "Question: What are the symptoms of anemia?\nAnswer:"


class TokenRoutingState(WritingState):
    """`inputs` are prompts; `answers[i]["value"]` holds ``text``, ``tokens`` with the expert of each, ``finish``, and
    ``dropped``, the experts that dropped out."""


def build(
    context: Context,
    *,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
    chunk: int = CHUNK,
    switches: Switches | None = None,
) -> Cascade:
    """The token routing graph over the tiers of `context`."""
    return build_writing(
        "token_routing",
        context,
        state=TokenRoutingState,
        chunk=chunk,
        switches=switches,
        checkpointer=checkpointer,
    )
