"""A counsellor's response to a client: how a row is read, and what is said about it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mendgraph.core.speakers import role_of
from mendgraph.core.text import LIMIT, clean
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import InputError

LABELS: Final = ("none", "simple", "complex")
"""Levels of reflection, rising (Moyers et al. 2016, MITI 4.2)."""

FIELDS: Final = ("prompt", "response")
"""What a row is made of: the client's turn and the counsellor's."""

WORTH: Final = {"none": 0.0, "simple": 0.5, "complex": 1.0}
"""Level -> the score it stands for (Min et al. 2022)."""

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_LONE = re.compile("[\ud800-\udfff]")


def prepare_pair(raw: object, *, limit: int = LIMIT) -> Input:
    """One row, with both turns cleaned: `text` is the response, ``facts["prompt"]`` the client's turn.

    `raw` of the result is `spoken`, which can be given as a row again and is then read the same.  What was too long
    is in ``facts["cut"]``, field -> characters it had, and in words in ``facts["notes"]``.

    Args:
        raw: a mapping with ``prompt`` and ``response``, such a pair, or two lines "client: ..." and "counsellor: ...".
        limit: most characters of each turn; a longer one loses its end.

    Raises:
        InputError: it is none of these, or a turn cannot be read.
    """
    given = dict(zip(FIELDS, _fields(raw), strict=True))
    texts: dict[str, str] = {}
    cut: dict[str, int] = {}
    for field, text in given.items():
        try:
            cleaned = clean(text, limit=limit)
        except InputError as error:
            raise InputError(f"{field}: {error.message}", hint=error.hint) from error
        texts[field] = cleaned.text
        if "cut" in cleaned.facts:
            cut[field] = cleaned.facts["cut"]
    facts: dict[str, Any] = {"prompt": texts["prompt"]}
    if cut:
        facts["cut"] = cut
        facts["notes"] = [
            f"the {field} was cut to its first {limit:,} of {size:,} characters"
            for field, size in cut.items()
        ]
    return Input(texts["response"], spoken(given["prompt"], given["response"]), facts)


def spoken(prompt: str, response: str) -> str:
    """A pair as two lines of a conversation.  It always encodes: surrogates that belong to no pair are left out."""
    return f"client: {_one_line(prompt)}\ncounsellor: {_one_line(response)}"


def parsed(text: str) -> tuple[str, str] | None:
    """Prompt and response of two lines, the client's and the counsellor's; None for any other text."""
    first, _, second = text.strip().partition("\n")
    client, said, prompt = first.partition(":")
    counsellor, answered, response = second.partition(":")
    if not (said and answered) or (role_of(client), role_of(counsellor)) != ("client", "counsellor"):
        return None
    return prompt.strip(), response.strip()


def level_value(prediction: Prediction, earlier: Sequence[Prediction] = ()) -> dict[str, Any]:
    """The full answer: ``score`` in [0, 1], the tier's own where it gave one, and ``level``, the label.

    Without a score of its own a prediction is worth what its levels are: ``.5 p(simple) + p(complex)``.
    """
    own = prediction.value.get("score") if isinstance(prediction.value, Mapping) else None
    known = isinstance(own, int | float) and math.isfinite(own) and 0.0 <= own <= 1.0
    score = float(own) if known else expected_score(prediction.scores)  # type: ignore[arg-type]  # checked above
    return {"score": score, "level": prediction.label}


def expected_score(probabilities: Mapping[str, float]) -> float:
    """In [0, 1]: the worth of every level, weighed with its probability."""
    return min(max(sum(WORTH[level] * p for level, p in probabilities.items()), 0.0), 1.0)


def _fields(raw: object) -> tuple[Any, Any]:
    if isinstance(raw, str):
        found = parsed(raw)
        if found is None:
            raise InputError("expected a client's and a counsellor's turn, got one text", hint=_WAY_OUT)
        return found
    if isinstance(raw, Mapping):
        for field in FIELDS:
            if raw.get(field) is None:
                others = ", ".join(map(repr, raw)) or "nothing"
                raise InputError(f"the row has no {field}; it has {others}", hint=_WAY_OUT)
        return raw["prompt"], raw["response"]
    if isinstance(raw, list | tuple) and len(raw) == len(FIELDS):
        return raw[0], raw[1]
    raise InputError(f"expected a prompt and a response, got {_kind(raw)}", hint=_WAY_OUT)


_WAY_OUT: Final = 'give {"prompt": ..., "response": ...}, or a pair (prompt, response)'


def _kind(raw: object) -> str:
    return f"{len(raw)} values" if isinstance(raw, list | tuple) else type(raw).__name__


def _one_line(text: str) -> str:
    if not text.isascii():
        text = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
        text = _LONE.sub("", text)
    return " ".join(text.split())
