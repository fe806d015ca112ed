"""Prompt routing: which LLM should answer a prompt, within a budget, and why."""

from __future__ import annotations

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from mendgraph.core.prompts import FIELDS, OPTIONS
from mendgraph.core.routed import QUESTION
from mendgraph.nodes.cascade import Cascade, build_cascade
from mendgraph.nodes.context import Context
from mendgraph.nodes.execute import Callers, execute_node
from mendgraph.nodes.state import CascadeState

__all__ = ["EXAMPLE", "FIELDS", "FIGURES", "OPTIONS", "QUESTION", "PromptRoutingState", "build"]

FIGURES = ("quality", "cost")
EXAMPLE = "A train leaves at 9:40 and arrives at 13:05. How long does the journey take?"


class PromptRoutingState(CascadeState):
    """`inputs` are prompts; `answers[i]["value"]` holds ``model``, ``runner_up``, ``why``, and per LLM ``scores``,
    ``quality`` and ``cost``; with LLMs to call also ``response`` and ``answered_by``."""


def build(
    context: Context, *, checkpointer: BaseCheckpointSaver[Any] | None = None, callers: Callers | None = None
) -> Cascade:
    """The prompt routing graph over the tiers of `context`; with `callers` it also has the prompt answered."""
    return build_cascade(
        "prompt_routing",
        context,
        state=PromptRoutingState,
        then=("execute", execute_node(callers, context)) if callers else None,
        checkpointer=checkpointer,
    )
