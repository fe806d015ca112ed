"""The last step of prompt routing, where LLMs can be called: the chosen one answers, or else the runner-up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from mendgraph.core.prompts import prompt_of
from mendgraph.core.values import Answer, Attempt, Failure, Input, Prediction
from mendgraph.errors import TierDown
from mendgraph.nodes.context import Context, given
from mendgraph.nodes.state import CascadeState
from mendgraph.nodes.tier import Node
from mendgraph.runtime.supervised import Supervised

__all__ = ["Callers", "execute_node"]

Callers = Mapping[str, Supervised]
"""LLM -> a tier whose prediction's value holds its ``response``."""

Clock = Callable[[], float]

AT_ONCE = 8
"""Prompts that wait for LLMs at a time."""


def execute_node(callers: Callers, default: Context) -> Node:
    """Has every settled prompt answered; each call is an attempt in the trail under the LLM's name.

    The answer's value gets ``response`` and ``answered_by``, and its label is the LLM that answered.  A row that no LLM
    answered fails.  Rows that wait for the user are left alone.
    """

    def run(state: CascadeState, runtime: Runtime[Context]) -> dict[str, Any]:
        clock = given(runtime, default).clock
        answers = [Answer.from_dict(answer) for answer in state["answers"]]
        settled = [row for row, answer in enumerate(answers) if answer.status in {"accepted", "abstained"}]
        if not settled:
            return {}
        found = [answer.to_dict() for answer in answers]
        with ThreadPoolExecutor(min(AT_ONCE, len(settled)), thread_name_prefix="mendgraph executes") as pool:
            done = pool.map(lambda row: _executed(answers[row], callers, clock), settled)
            for row, answer in zip(settled, done, strict=True):
                found[row] = answer.to_dict()
                for step in found[row]["trail"][len(answers[row].trail) :]:
                    runtime.stream_writer({"event": "attempt", "row": row, "attempt": step})
                runtime.stream_writer({"event": "answer", "row": row, "answer": found[row]})
        return {"answers": found}

    return run


def _executed(answer: Answer, callers: Callers, clock: Clock) -> Answer:
    value = answer.value
    models = [model for model in (value["model"], value["runner_up"]) if model is not None]
    prompt = Input(prompt_of(answer.input))
    trail = list(answer.trail)
    for model in models:
        attempt = _call(model, prompt, callers, clock)
        trail.append(attempt)
        said = attempt.prediction
        if said is not None:
            first = model == models[0]
            response = {"response": said.value["response"], "answered_by": model}
            return replace(
                answer,
                label=model if answer.accepted else None,
                best_guess=model,
                value={**value, **response},
                # What is known of the choice says nothing about the runner-up.
                confidence=answer.confidence if first else None,
                trail=tuple(trail),
            )
    failures = [attempt.failure for attempt in trail[len(answer.trail) :] if attempt.failure]
    said_why = "; ".join(f"{model}: {f.message}" for model, f in zip(models, failures, strict=True))
    hint = next((f.hint for f in failures if f.hint), "")
    error = Failure("no_llm_answered", f"no LLM answered ({said_why})", hint)
    return replace(answer, status="failed", label=None, error=error, trail=tuple(trail))


def _call(model: str, prompt: Input, callers: Callers, clock: Clock) -> Attempt:
    caller = callers.get(model)
    if caller is None:
        down = TierDown(
            f"there is no way to call {model!r}", hint=f"give prompt_routing.llms.{model} an endpoint"
        )
        return Attempt(model, failure=Failure.of(down), reason="asked to answer")
    started = clock()
    served = caller.serve([prompt])
    [outcome] = served.outcomes
    seconds = clock() - started
    if isinstance(outcome, Prediction):
        return Attempt(
            model,
            outcome,
            verdict="accept",
            reason="answered the prompt",
            seconds=seconds,
            notes=served.notes,
        )
    return Attempt(model, failure=outcome, reason="asked to answer", seconds=seconds, notes=served.notes)
