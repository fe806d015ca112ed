"""Answers without the text they are about, for journals that must not hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mendgraph.core.values import Answer, Attempt, Failure

_OPTIONS: Final = frozenset({"ask", "threshold", "clarifications", "down", "deadline_s", "budget"})


def without_text(answer: Answer) -> Answer:
    """The answer with everything left out that may quote its input.

    What stays: numbers, and names from closed lists (statuses, verdicts, tiers, labels, kinds of failure,
    fingerprints).  What goes: the input, messages and hints of errors, reasons, notes, and every string inside a
    `value`.
    """
    return replace(
        answer,
        input="",
        value=wordless(answer.value),
        error=_kind(answer.error),
        trail=tuple(_attempt(attempt) for attempt in answer.trail),
    )


def options_without_text(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run that cannot quote a text."""
    return {name: value for name, value in options.items() if name in _OPTIONS}


def wordless(value: Any) -> Any:
    """JSON with every string but the keys of mappings emptied."""
    if isinstance(value, Mapping):
        return {key: wordless(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [wordless(part) for part in value]
    return "" if isinstance(value, str) else value


def _attempt(attempt: Attempt) -> Attempt:
    said = attempt.prediction
    return replace(
        attempt,
        prediction=replace(said, value=wordless(said.value)) if said else None,
        failure=_kind(attempt.failure),
        reason="",
        notes=(),
    )


def _kind(failure: Failure | None) -> Failure | None:
    return replace(failure, message="", hint="") if failure else None
