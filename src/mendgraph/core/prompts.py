"""A prompt to be routed: how a row is read, with the terms it may bring along."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from mendgraph.core.routing import tokens_in
from mendgraph.core.text import LIMIT, clean
from mendgraph.core.values import Input
from mendgraph.errors import InputError

FIELDS: Final = ("prompt",)
OPTIONS: Final = ("max_cost", "lambda", "max_latency_s", "down")
"""What a row may ask for beside its prompt; see `mendgraph.core.routing.Terms`."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WAY_OUT: Final = (
    'give a text, or {"prompt": ..., "max_cost": $, "lambda": quality per $, "down": [LLM, ...]}'
)


def prepare_prompt(raw: object, *, limit: int = LIMIT) -> Input:
    """One row.  Line breaks, code and links stay as they are: they say much about what a prompt wants.

    Facts: ``tokens``, about how many the whole prompt has; the `OPTIONS` the row gave; and what reading took.
    `raw` of the result is `spoken`, which can be given as a row again and is then read the same.

    Args:
        raw: a text; a mapping with ``prompt`` and any of `OPTIONS` (None and "" count as not given); or such a
            mapping as JSON text.
        limit: characters that the tiers see.

    Raises:
        InputError: it is none of these, or the prompt cannot be read.
    """
    row = _row(raw)
    cleaned = clean(
        row["prompt"]
    )  # refuses what nobody could read; its text is for chat messages, not for code
    prompt = _text(row["prompt"])
    facts = {name: value for name, value in cleaned.facts.items() if name != "cut"}
    facts["tokens"] = tokens_in(prompt)
    options = {name: _option(name, row[name]) for name in OPTIONS if row.get(name) not in (None, "")}
    if len(prompt) > limit:
        facts["cut"] = len(prompt)
        facts["notes"] = [f"the router read the first {limit:,} of {len(prompt):,} characters"]
    return Input(prompt[:limit], spoken(prompt, options), {**facts, **options})


def spoken(prompt: str, options: Mapping[str, Any] | None = None) -> str:
    """A row as one text: the prompt itself, or JSON where it has options (or could be taken for such JSON)."""
    if not options and parsed(prompt) is None:
        return prompt
    return json.dumps({"prompt": prompt, **(options or {})}, ensure_ascii=False)


def parsed(text: str) -> dict[str, Any] | None:
    """The row that a text is the JSON of; None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if (
        not isinstance(row, dict)
        or not isinstance(row.get("prompt"), str)
        or not {"prompt", *OPTIONS} >= set(row)
    ):
        return None
    return row


def prompt_of(text: str) -> str:
    """The prompt alone, of what `spoken` gave."""
    row = parsed(text)
    return text if row is None else str(row["prompt"])


def _row(raw: object) -> Mapping[str, Any]:
    if isinstance(raw, str):
        return parsed(raw) or {"prompt": raw}
    if not isinstance(raw, Mapping):
        raise InputError(f"expected a prompt, got {type(raw).__name__}", hint=_WAY_OUT)
    if raw.get("prompt") is None:
        others = ", ".join(map(repr, raw)) or "nothing"
        raise InputError(f"the row has no prompt; it has {others}", hint=_WAY_OUT)
    if strange := sorted(str(name) for name in set(raw) - {"prompt", *OPTIONS}):
        raise InputError(f"the row has {', '.join(map(repr, strange))}, which no prompt takes", hint=_WAY_OUT)
    return raw


def _option(name: str, value: object) -> Any:
    """The value; cells of tables may come as text."""
    if name == "down":
        named = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value
        if not isinstance(named, list | tuple) or not all(isinstance(model, str) for model in named):
            raise InputError(f"down: expected names of LLMs, got {value!r}")
        return list(named)
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number) or number < 0:
        raise InputError(f"{name}: expected a number of at least 0, got {value!r}")
    return number


def _text(prompt: str) -> str:
    """Without control characters; surrogate pairs joined, lone ones dropped."""
    if not prompt.isascii():
        prompt = prompt.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return _CONTROL.sub("", prompt)
