"""Lays out a graph that writes: chunk by chunk, each checked, and in doubt written again by another tier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from mendgraph.core.values import Attempt, Failure
from mendgraph.errors import ConfigError
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.check import judged
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.prepare import prepare_node
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.switches import Switches
from mendgraph.nodes.tier import Node
from mendgraph.nodes.writing_calls import Calls
from mendgraph.nodes.writing_settle import settle_writing_node

CHUNK = 16
"""Tokens per chunk unless the graph is built with another number."""


class WritingState(CascadeState):
    """What a run that writes remembers beside the rest.

    Keys:
        texts: per row, what is written and accepted so far, as the decoder keeps it; None before prefill.
        tries: per row, the drafts of the chunk under way: `Attempt.to_dict` each, with what was written as value.
        doubtful: numbers of the rows whose chunk is to be written again.
    """

    texts: list[dict[str, Any] | None]
    tries: list[list[dict[str, Any]]]
    doubtful: list[int]


def build_writing(
    name: str,
    context: Context,
    *,
    state: type[CascadeState],
    chunk: int = CHUNK,
    switches: Switches | None = None,
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> Cascade:
    """Preprocess, prefill, then for each chunk decode, check and heal, until every text is finished; then settle.

    The first tier of ``context.tiers`` decodes; the others heal, in order.  A chunk that no tier is sure of enough
    keeps the draft its tier was surest of.
    """
    tiers = tuple(context.tiers)
    if not tiers:
        raise ConfigError("tiers: a graph that writes needs at least one tier, got none")
    if chunk < 1:
        raise ConfigError(f"chunk: expected at least 1 token, got {chunk!r}")
    off = switches or Switches()
    graph = StateGraph(state, context_schema=Context)
    graph.add_node("preprocess", _preprocess_node(context))
    graph.add_node("prefill", _prefill_node(context, off))
    graph.add_node("decode", _decode_node(context, chunk, off))
    graph.add_node("check", _check_node(context))
    graph.add_node("heal", _heal_node(context, chunk, off))
    graph.add_node("settle", settle_writing_node(context))
    graph.add_edge(START, "preprocess")
    graph.add_edge("preprocess", "prefill")
    graph.add_conditional_edges("prefill", _next, ["decode", "settle"])
    graph.add_edge("decode", "check")
    graph.add_conditional_edges("check", _after_check, ["heal", "decode", "settle"])
    graph.add_edge("heal", "check")
    graph.add_edge("settle", END)
    return graph.compile(checkpointer=checkpointer, name=name)


def _next(state: WritingState) -> str:
    return "decode" if state["open"] else "settle"


def _after_check(state: WritingState) -> str:
    return "heal" if state["doubtful"] else _next(state)


def _preprocess_node(default: Context) -> Node:
    prepare = prepare_node(default)

    def run(state: WritingState, runtime: Runtime[Context]) -> dict[str, Any]:
        update = prepare(state, runtime)
        count = len(update["rows"])
        return {**update, "texts": [None] * count, "tries": [[] for _ in range(count)], "doubtful": []}

    return run


def _prefill_node(default: Context, switches: Switches) -> Node:
    """Prompts become tokens, by the first tier that can; a prompt that none can read ends there."""

    def run(state: WritingState, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Calls(state, given(runtime, default), runtime, switches)
        texts = list(state["texts"])
        waiting = list(state["open"])
        for tier in work.context.tiers:
            outcomes = work.ask(tier, waiting, 0)
            for row, attempt in outcomes.items():
                if attempt.prediction is None:
                    work.tell(row, attempt)
                else:
                    texts[row] = attempt.prediction.value["text"]
            waiting = [row for row in waiting if texts[row] is None]
            if not waiting:
                break
        return {
            **work.update(),
            "texts": texts,
            "open": [row for row in state["open"] if texts[row] is not None],
        }

    return run


def _decode_node(default: Context, chunk: int, switches: Switches) -> Node:
    """The first tier writes the next chunk of every open row."""

    def run(state: WritingState, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Calls(state, given(runtime, default), runtime, switches)
        first = next(iter(work.context.tiers))
        tries = [list(one) for one in state["tries"]]
        for row, attempt in work.ask(first, state["open"], chunk).items():
            tries[row] = [attempt.to_dict()]
        return {**work.update(), "tries": tries, "doubtful": []}

    return run


def _heal_node(default: Context, chunk: int, switches: Switches) -> Node:
    """The next tier of each doubtful row writes its chunk anew, from where the chunk began."""

    def run(state: WritingState, runtime: Runtime[Context]) -> dict[str, Any]:
        work = Calls(state, given(runtime, default), runtime, switches)
        names = list(work.context.tiers)
        tries = [list(one) for one in state["tries"]]
        for place, tier in enumerate(names):
            rows = [row for row in state["doubtful"] if len(state["tries"][row]) == place]
            for row, attempt in work.ask(tier, rows, chunk).items():
                tries[row] = [*tries[row], attempt.to_dict()]
        return {**work.update(), "tries": tries}

    return run


def _check_node(default: Context) -> Node:
    """The one judge over each chunk: accept it, have it written again, or keep the surest draft."""

    def run(state: WritingState, runtime: Runtime[Context]) -> dict[str, Any]:
        context = given(runtime, default)
        texts, tries, trails = (
            list(state["texts"]),
            [list(one) for one in state["tries"]],
            list(state["trails"]),
        )
        still, doubtful = [], []
        for row in state["open"]:
            if not tries[row]:
                still.append(row)
                continue
            history = [Attempt.from_dict(step) for step in tries[row]]
            left = len(history) < len(context.tiers) and not _cut(history[-1])
            last = judged(
                history,
                context.policy,
                history[-1].tier,
                {**state["options"], "ask": "never"},
                tiers_left=left,
            )
            why = _beyond_doubt(state, row)
            if why and last.prediction is not None:
                last = last.judged("accept", None, why)
            steps = [_told(last)]
            chosen = last if last.verdict == "accept" else None
            if last.verdict == "abstain":
                chosen = max((one for one in history if one.prediction), key=_sureness, default=None)
                if chosen is not None and (len(history) > 1 or last.failure is None):
                    why = f"the surest of {', '.join(one.tier for one in history)}"
                    chosen = chosen.judged("accept", last.threshold, why)
                    steps.append(_told(chosen))
            trails[row] = [*trails[row], *steps]
            for step in steps:
                runtime.stream_writer({"event": "verdict", "row": row, "attempt": step})
            if last.verdict == "defer":
                doubtful.append(row)
                still.append(row)
                continue
            tries[row] = []
            if chosen is None or chosen.prediction is None:
                continue  # nobody can go on: what is written stays
            draft = chosen.prediction.value
            texts[row] = draft["text"]
            new = draft["text"]["tokens"][draft["start"] : draft["end"]]
            runtime.stream_writer(
                {"event": "chunk", "row": row, "tier": chosen.tier, "text": draft["piece"], "tokens": new}
            )
            if not draft["text"]["finish"]:
                still.append(row)
        return {"texts": texts, "tries": tries, "trails": trails, "doubtful": doubtful, "open": still}

    return run


def _told(attempt: Attempt) -> dict[str, Any]:
    """For the trail: what was written, without all that was written before it."""
    step = attempt.to_dict()
    said: Mapping[str, Any] | None = step["prediction"]
    if said is not None:
        draft = said["value"]
        short = {"text": draft["piece"], "tokens": [draft["start"], draft["end"]]}
        step["prediction"] = {**said, "label": draft["piece"], "value": short}
    return step


def _sureness(attempt: Attempt) -> float:
    said = attempt.prediction
    return -1.0 if said is None else said.raw if said.confidence is None else said.confidence


def _beyond_doubt(state: WritingState, row: int) -> str:
    """Why a draft of this row is kept however unlikely it is; "" where its likelihood counts."""
    prepared = state["rows"][row]
    ways = {} if prepared is None else prepared["facts"]["ways"]
    if "force" in ways:
        return "forced, so nobody else is asked"
    # thresholds are about likeliest tokens: whoever draws has asked for others
    return "drawn, so its likelihood says little" if ways.get("temperature", 0) > 0 else ""


def _cut(attempt: Attempt) -> bool:
    failure: Failure | None = attempt.failure
    return failure is not None and failure.kind in ("run_deadline", "run_budget")
