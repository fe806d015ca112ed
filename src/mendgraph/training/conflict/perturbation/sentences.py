"""Sentences of running text."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["plain", "sentences_of", "words_of"]

_END: Final = re.compile(r"(?<=[.!?])[\"')]?\s+(?=[\"'(]?[A-Z0-9])")
_NO_END: Final = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|Jr|Sr|Lt|Col|Gen|Gov|Rev|Prof|No|vs|c|ca|fl|b|d|approx|est|Inc|Co|Ltd|U\.S|U\.K"
    r"|[Ee]\.g|[Ii]\.e|etc|Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec))\.$"
)
_WORD: Final = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
FEWEST, MOST = 6, 45
"""Words of a sentence that is used."""


def words_of(text: str) -> list[str]:
    return _WORD.findall(text)


def sentences_of(text: str) -> list[str]:
    """In order; an abbreviation or an initial ends none."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        head = text[start : match.start()]
        if _NO_END.search(head):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [one for one in found if one]


def plain(sentence: str) -> bool:
    """Whether it is a whole statement in prose: not a question, a heading, a list, or something cut short."""
    return (
        FEWEST <= len(words_of(sentence)) <= MOST
        and sentence[0].isupper()
        and sentence[-1] == "."
        and not sentence.endswith("..")
        and sentence.count("(") == sentence.count(")")
        and sentence.count('"') % 2 == 0
        and not re.search(r"[\n*#|=<>{}\[\]_]|https?:|^(?:Figure|Table|Note|See|Chapter)\b", sentence)
    )
