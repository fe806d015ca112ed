"""Cleaning of what people type, before any tokenizer sees it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mendgraph.errors import ConfigError, InputError

LIMIT = 20_000
SHORTEST_LIMIT = 16

_CONTROL = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# ZWJ, ZWNJ and tag characters stay: emoji families, Persian and flags are made of them.
_INVISIBLE = "\u00ad\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"
_SURROGATE = "\ud800-\udfff"
_JUNK = re.compile(f"[{_CONTROL}{_BIDI}{_INVISIBLE}{_SURROGATE}]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_KINDS = {
    "surrogates": re.compile(f"[{_SURROGATE}]"),
    "controls": re.compile(f"[{_CONTROL}]"),
    "bidi": re.compile(f"[{_BIDI}]"),
}

# A closed list whose replacements are no letter, digit, "#" or ";": the result can never form a new entity,
# so that one pass reaches the fixed point even for "&amp;amp;lt;".
_ENTITIES = {
    "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " ", "#34": '"', "#39": "'", "#x27": "'",
    "hellip": "…", "mdash": "\u2014", "ndash": "\u2013",
    "lsquo": "\u2018", "rsquo": "\u2019", "ldquo": "\u201c", "rdquo": "\u201d",
}  # fmt: skip
_ENTITY = re.compile(r"&(?:amp;)+(?:(" + "|".join(_ENTITIES) + r");)?|&(" + "|".join(_ENTITIES) + r");")
_RUN = re.compile(r"(\w)\1{3,}")
_PUNCTUATION = re.compile(r"([!-/:-@\[-^`{-~\u2013\u2014\u2022\u2026\u3001\u3002\uff01\uff0c\uff1f])\1{3,}")
_URL = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
# A handle runs on over everything but spaces, ASCII punctuation, symbols and emoji: combining marks belong to
# it, or they would melt into the "r" of "@user".
_HANDLE_END = (
    r"\s\x00-/:-@\[-^`{-\x7f\u2000-\u20cf\u2100-\u2bff\u3000-\u3029\u3030-\u303f"
    r"\ufe00-\ufe0f\uff00-\uff0f\U0001f000-\U0001faff"
)
_HANDLE = re.compile(rf"(?<![\w@])@[A-Za-z_][^{_HANDLE_END}]*+")
_HALF_HANDLE = re.compile(r"@(?:u|us|use)?$")
_UNREADABLE = ("Cc", "Cf", "Cs")
_NOT_ALNUM = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Clean text, and what had to be done to get it.

    Attributes:
        facts: only what happened: ``surrogates``, ``controls``, ``bidi`` (characters removed) and ``cut``
            (characters the text had before it was cut).
    """

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def clean(text: object, *, limit: int = LIMIT) -> Cleaned:
    """Unicode NFC on one line, without noise: no control or bidi characters, no URLs, handles or entities.

    A letter repeated four times or more is kept three times ("soooooo" -> "sooo"), and so are runs of one
    punctuation mark; digits are never touched.  Idempotent, and linear in the length of the text.

    Args:
        limit: most characters of the result, at least 16; a longer text loses its end.

    Raises:
        InputError: not a string, or nothing a person could read in it.
    """
    if limit < SHORTEST_LIMIT:
        raise ConfigError(f"limit: at least {SHORTEST_LIMIT} characters, got {limit}")
    if not isinstance(text, str):
        raise InputError(
            f"expected text, got {type(text).__name__}",
            hint="pass a string, one per row; convert numbers first",
        )
    if not text or text.isspace():
        raise InputError(
            "the text is empty" if not text else "the text is only whitespace",
            hint="give at least one word or emoji",
        )
    facts: dict[str, Any] = {}
    if _JUNK.search(text):
        text = _remove_junk(text, facts)
    text = _normal(text)
    if "&" in text:
        text = _normal(_ENTITY.sub(_unescaped, text))
    text = " ".join(text.split())
    whole = len(text)
    text = _RUN.sub(_shortened, text[:limit])
    text = _PUNCTUATION.sub(r"\1\1\1", text)
    if "." in text or "://" in text:
        text = _URL.sub("http", text)
    if "@" in text:
        text = _HANDLE.sub("@user", text)
    if whole > limit or len(text) > limit:
        facts["cut"] = max(whole, len(text))
        # A cut "@user" would be read as a handle and grow again.
        text = _HALF_HANDLE.sub("", text[:limit]).rstrip()
    if not _readable(text):
        raise InputError(
            "the text holds only control or formatting characters", hint="give at least one word or emoji"
        )
    return Cleaned(text, facts)


def simplify(text: str) -> str:
    """Key under which two texts count as duplicates: casefolded letters and digits only.

    A text without any (only emoji, say) keeps its symbols, or all such texts would be equal.
    """
    folded = text.casefold()
    return _NOT_ALNUM.sub("", folded) or "".join(folded.split())


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _remove_junk(text: str, facts: dict[str, Any]) -> str:
    """Join surrogate pairs (UTF-16 read as code units), then drop and count what cannot be text."""
    text = _PAIR.sub(_joined, text)
    for kind, pattern in _KINDS.items():
        text, removed = pattern.subn("", text)
        if removed:
            facts[kind] = removed
    return _JUNK.sub("", text)


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _unescaped(entity: re.Match[str]) -> str:
    return _ENTITIES.get(entity[1] or entity[2] or "", "&")


def _shortened(run: re.Match[str]) -> str:
    return run[1] * 3 if run[1].isalpha() else run[0]


def _readable(text: str) -> bool:
    """Unassigned code points count: they may be emoji newer than this Python."""
    return any(
        not char.isspace() and char not in "\ufe0e\ufe0f" and unicodedata.category(char) not in _UNREADABLE
        for char in text
    )
