"""Duplicates among documents: the same text, or nearly the same without anything that could contradict it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mendgraph.core.conflict import Document

__all__ = ["ALIKE", "without_duplicates"]

ALIKE: Final = 0.9
"""Share of all words that two near duplicates have in common."""

_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_TELLING: Final = re.compile(
    r"\d|^(?:no|not|never|none|nobody|nothing|neither|nor|without|cannot)$|n['’]t$", re.I
)


def without_duplicates(documents: Iterable[Document]) -> list[Document]:
    """In order, the first of each.

    Texts that differ in a number, a name or a denial are no duplicates, however alike: they may be the conflict that is
    looked for.
    """
    found: list[Document] = []
    exact: set[str] = set()
    near: dict[frozenset[str], list[frozenset[str]]] = {}
    for document in documents:
        words = _WORD.findall(document.text)
        key = " ".join(words).casefold() or document.text.strip()
        if key in exact:
            continue
        exact.add(key)
        telling, plain = _parts(words)
        rivals = near.setdefault(telling, [])
        if plain and any(_alike(plain, other) for other in rivals):
            continue
        rivals.append(plain)
        found.append(document)
    return found


def _parts(words: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Numbers, names and denials; and the other words in lower case."""
    telling = {
        word for word in words if _TELLING.search(word) or (word[0].isupper() and not word.isupper())
    } | {word for word in words if len(word) > 1 and word.isupper()}
    return frozenset(telling), frozenset(word.casefold() for word in words if word not in telling)


def _alike(words: frozenset[str], others: frozenset[str]) -> bool:
    return len(words & others) >= ALIKE * len(words | others)
