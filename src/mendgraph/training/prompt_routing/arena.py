"""Votes of people in an arena of LLMs, in the shapes that LMArena publishes."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from mendgraph.errors import DataError
from mendgraph.training.prompt_routing.comparisons import FIRST, SECOND, TIE, Comparisons, Responses
from mendgraph.training.prompt_routing.files import read_columns

__all__ = ["read_arena"]

_WINNERS = {
    "model_a": (FIRST, False), "a": (FIRST, False), "model_b": (SECOND, False), "b": (SECOND, False),
    "tie": (TIE, False), "both_good": (TIE, False),
    "both_bad": (TIE, True), "bothbad": (TIE, True), "tie (bothbad)": (TIE, True), "tie (both_bad)": (TIE, True),
}  # fmt: skip

_SHARES = ("winner_model_a", "winner_model_b", "winner_tie")


def read_arena(path: Path) -> tuple[Comparisons, Responses | None]:
    """Comparisons, and the answers where the file has them.

    Columns ``model_a``, ``model_b``; ``winner`` (model_a, model_b, tie, both_bad) or the three columns
    ``winner_model_a``, ``winner_model_b``, ``winner_tie``; and the prompt, from the first there is of ``prompt``,
    ``conversation``, ``conversation_a``, ``full_conversation``.  A conversation is a list of ``{"role", "content"}``
    or its JSON; what its user says, turn after turn, is the prompt.  Answers are the assistant's turns of
    ``conversation_a`` and ``conversation_b``, or ``response_a`` and ``response_b``.

    Raises:
        DataError: a column is missing, or a winner is unknown, with the row's number.
    """
    table = read_columns(path, ("model_a", "model_b"))
    source = next(
        (n for n in ("prompt", "conversation", "conversation_a", "full_conversation") if n in table), None
    )
    if source is None or not ("winner" in table or all(name in table for name in _SHARES)):
        raise DataError(
            f"{path.name}: no column {'winner' if source else 'prompt'!r}, found {', '.join(table)}",
            hint="an arena file has model_a, model_b, winner, and prompt or conversation",
        )
    prompts: dict[str, int] = {}
    names: dict[str, int] = {}
    answers: dict[tuple[int, int], str] = {}
    columns: list[tuple[int, int, int, float, bool]] = []
    for at in range(len(table["model_a"])):
        text = _said(table[source][at], "user")
        if not text:
            raise DataError(f"{path.name}, row {at}: {source} has no text of a user")
        row = prompts.setdefault(text, len(prompts))
        one, other = (names.setdefault(str(table[name][at]), len(names)) for name in ("model_a", "model_b"))
        columns.append((row, one, other, *_outcome(table, at, path)))
        for model, side in ((one, "a"), (other, "b")):
            for column in (f"response_{side}", f"conversation_{side}"):
                if column in table and (answer := _said(table[column][at], "assistant")):
                    answers.setdefault((row, model), answer)
    compared = Comparisons.of(list(prompts), list(names), *zip(*columns, strict=True)) if columns else None
    if compared is None:
        raise DataError(f"{path.name}: no rows")
    if not answers:
        return compared, None
    cells = tuple(
        tuple(answers.get((row, model)) for model in range(len(names))) for row in range(len(prompts))
    )
    return compared, Responses(compared.prompts, compared.models, cells)


def _outcome(table: dict[str, list[Any]], at: int, path: Path) -> tuple[float, bool]:
    if "winner" not in table:
        a, b, tie = (float(table[name][at] or 0) for name in _SHARES)
        return a + tie / 2 if a + b + tie else TIE, False
    winner = str(table["winner"][at]).strip().lower()
    if winner not in _WINNERS:
        raise DataError(
            f"{path.name}, row {at}: winner {table['winner'][at]!r} is unknown",
            hint="one of model_a, model_b, tie, both_bad",
        )
    return _WINNERS[winner]


def _said(cell: Any, role: str) -> str:
    """All that one role says, turns apart by an empty line; a cell that is no conversation is what is said."""
    if isinstance(cell, str) and cell[:1] in "[{":
        with suppress(ValueError):  # a prompt may well begin with a bracket
            cell = json.loads(cell)
    if isinstance(cell, dict):
        cell = [cell]
    if not isinstance(cell, list):
        return str(cell or "").strip()
    turns = []
    for turn in cell:
        if isinstance(turn, str):  # lists of one role's turns alone
            turns.append(turn)
        elif isinstance(turn, dict) and turn.get("role") in (role, None):
            turns.append(_text(turn.get("content")))
        elif isinstance(turn, dict) and isinstance(turn.get(role), dict):
            turns.append(_text(turn[role].get("content")))
    return "\n\n".join(text.strip() for text in turns if text and text.strip())


def _text(content: Any) -> str:
    """Of one message; newer files hold a list of typed parts, of which images are left out."""
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
