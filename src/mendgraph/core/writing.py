"""A text to be continued by several experts: how a row is read, and what travels between the graph and its tiers.

A tier of this graph writes the next few tokens of each row.  Its row is an `Input` whose facts hold a `Task`; its
prediction says how sure it is that what it wrote is right, and holds what it wrote as a `Draft`.  Both are plain data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mendgraph.core.text import LIMIT, clean
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import InputError

FIELDS: Final = ("prompt",)
LABELS: Final = ("right", "wrong")
"""What a tier says about its own draft."""
WAYS: Final = ("mode", "force", "max_new_tokens", "temperature", "top_p", "top_k", "stop", "seed")
"""What a row may ask for beside its prompt."""

_NUMBERS: Final[Mapping[str, tuple[type, float, float]]] = {
    "max_new_tokens": (int, 1, 100_000),
    "temperature": (float, 0.0, 100.0),
    "top_p": (float, 1e-6, 1.0),
    "top_k": (int, 0, 1_000_000),
    "seed": (int, 0, 2**63 - 1),
}
_WAY_OUT: Final = f'give a text, or {{"prompt": ...}} with any of {", ".join(WAYS)}'


@dataclass(frozen=True, slots=True)
class Task:
    """What a tier is asked for.

    Attributes:
        row: number of the row in the run; random draws depend on it.
        text: what is written so far, as the decoder keeps it; None to begin.
        tokens: how many to write; 0 only begins.
        ways: of `WAYS`, those the row asked for.
        gone: experts that take no part.
    """

    row: int
    text: Mapping[str, Any] | None
    tokens: int
    ways: Mapping[str, Any]
    gone: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "text": self.text,
            "tokens": self.tokens,
            "ways": dict(self.ways),
            "gone": list(self.gone),
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """What a tier wrote.

    Attributes:
        text: all that is written now, as the decoder keeps it.
        piece: the text that became certain with these tokens.
        start, end: numbers of the new tokens: [start, end).
    """

    text: Mapping[str, Any]
    piece: str
    start: int
    end: int

    def to_dict(self) -> dict[str, Any]:
        return {"text": dict(self.text), "piece": self.piece, "start": self.start, "end": self.end}


def drafted(draft: Draft, raw: float, confidence: float | None) -> Prediction:
    """
    Args:
        raw: geometric mean of the new tokens' probabilities.
        confidence: share of the new tokens that a reference text is expected to have; None while uncalibrated.
    """
    chance = raw if confidence is None else confidence
    return Prediction(
        LABELS[0] if chance >= 0.5 else LABELS[1],
        {LABELS[0]: chance, LABELS[1]: 1.0 - chance},
        raw,
        confidence,
        value=draft.to_dict(),
    )


def prepare_writing(raw: object) -> Input:
    """One row: a prompt as it is, line breaks and all, and the `WAYS` it brings as facts.

    Args:
        raw: a text; a mapping with ``prompt`` (or ``text``) and any of `WAYS`; or such a mapping as JSON text.

    Raises:
        InputError: it is none of these, or the prompt cannot be read.
    """
    row = _row(raw)
    prompt = row.get("prompt", row.get("text"))
    if not isinstance(prompt, str):
        raise InputError(f"expected a text as prompt, got {type(prompt).__name__}", hint=_WAY_OUT)
    clean(prompt)  # refuses what nobody could read
    prompt = prompt.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")
    if len(prompt) > LIMIT:
        raise InputError(f"a prompt of {len(prompt):,} characters; the most is {LIMIT:,}", hint="shorten it")
    if strange := sorted(set(row) - {"prompt", "text", *WAYS}):
        raise InputError(f"unknown {', '.join(map(repr, strange))} beside the prompt", hint=_WAY_OUT)
    ways = {name: _way(name, row[name]) for name in WAYS if row.get(name) not in (None, "")}
    shown = prompt if not ways else json.dumps({"prompt": prompt, **ways}, ensure_ascii=False)
    return Input(prompt, shown, {"ways": ways})


def full_answer(text: Mapping[str, Any] | None) -> dict[str, Any]:
    """``{text, tokens: [{token, expert, confidences, probability}], finish, dropped}`` of what the decoder keeps."""
    if text is None:
        return {"text": "", "tokens": [], "finish": "", "dropped": []}
    kept = ("token", "expert", "confidences", "probability")
    return {
        "text": text["text"],
        "tokens": [{name: token[name] for name in kept} for token in text["tokens"]],
        "finish": text["finish"],
        "dropped": [dict(loss) for loss in text["losses"]],
    }


def _row(raw: object) -> Mapping[str, Any]:
    if isinstance(raw, Mapping):
        return raw
    if not isinstance(raw, str):
        raise InputError(f"expected a text, got {type(raw).__name__}", hint=_WAY_OUT)
    if raw.lstrip().startswith("{"):
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and isinstance(found.get("prompt"), str):
            return found
    return {"prompt": raw}


def _way(name: str, value: Any) -> Any:
    if name == "stop":
        stops = [value] if isinstance(value, str) else value
        if not isinstance(stops, (list, tuple)) or not all(isinstance(one, str) and one for one in stops):
            raise InputError(f"stop: expected texts, got {value!r}", hint=_WAY_OUT)
        return list(stops)
    if name in ("mode", "force"):
        if not isinstance(value, str):
            raise InputError(f"{name}: expected a name, got {value!r}", hint=_WAY_OUT)
        return value
    kind, low, high = _NUMBERS[name]
    number = _number(value)
    if number is None or not low <= number <= high or (kind is int and not float(number).is_integer()):
        raise InputError(f"{name}: expected a number from {low:g} to {high:g}, got {value!r}", hint=_WAY_OUT)
    return kind(number)


def _number(value: Any) -> float | int | None:
    """A number, or a table's cell that holds one."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
