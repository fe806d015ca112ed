"""What stands in the place of what: the most similar sentences of two texts, compared word by word.

Two texts that contradict each other say almost the same and put one thing in the place of another; texts that only
differ leave something out or add something.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from mendgraph.core.quantities import Measure, find_measures
from mendgraph.core.units import DATE

__all__ = ["ALIGNED", "aligned"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ALIGNED: Final = (
    "words of the shorter that the longer has",
    "words of the longer that the shorter has",
    "words shared by the sentences most alike",
    "names of the shorter that the longer lacks",
    "numbers of the shorter that the longer lacks",
    "other words of the shorter that the longer lacks",
    "a number for a number",
    "a name for a name",
    "a word for a word",
    "words left out",
    "words added",
    "one of the sentences most alike denies",
    "dates of the sentences most alike disagree",
    "amounts of the sentences most alike disagree",
    "names near the question in both",
    "numbers near the question in both",
    "something near the question in one alone",
)
"""Names of the numbers that `aligned` gives; none depends on the order of the texts."""

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'(])")
_TOKEN: Final = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*|n't")
_DENIES: Final = re.compile(
    r"\b(?:no|not|never|none|nobody|neither|nor|without|cannot|only|fail\w*|refus\w*|unable)\b|n't\b", re.I
)
_COMMON: Final = frozenset(
    _words(
        "the a an of in on at to for from by with and or is was are were be been has had have it its this that as "
        "he she they his her their him them who which what when where how does do did there also"
    )
)
_MOST: Final = 12
"""Sentences of one text that are compared."""
_STEM: Final = 6


@dataclass(frozen=True, slots=True)
class _Said:
    """A text's words, the stems of those that say something, its names and its values."""

    tokens: tuple[str, ...]
    stems: frozenset[str]
    names: frozenset[str]
    values: tuple[Measure, ...]
    denies: int


def aligned(question: str, first: str, second: str) -> list[float]:
    """As many numbers as `ALIGNED`, each in [0, about 5].

    Args:
        first, second: without headers; the shorter has fewer words.
    """
    short, long = (
        _parts(text) for text in sorted((first, second), key=lambda text: (len(_TOKEN.findall(text)), text))
    )
    whole, other = _joined(short), _joined(long)
    lacking = whole.stems - other.stems
    one, two = _alike(short, long)
    numbers, names, words, less, more = _replaced(one.tokens, two.tokens)
    dates = [[m for m in said.values if m.dimension == DATE] for said in (one, two)]
    amounts = [[m for m in said.values if m.dimension != DATE] for said in (one, two)]
    found = [
        _share(whole.stems, other.stems),
        _share(other.stems, whole.stems),
        len(one.stems & two.stems) / max(len(one.stems | two.stems), 1),
        _log(len(whole.names - frozenset(other.tokens))),
        _log(sum(not any(a.agrees(b) for b in other.values) for a in whole.values)),
        _log(sum(not stem[0].isdigit() and stem not in _stems(whole.names) for stem in lacking)),
        *map(_log, (numbers, names, words, less, more)),
        float((one.denies + two.denies) % 2),
        _disagree(*dates),
        _disagree(*amounts),
    ]
    return found + _near(question, short, long, whole, other)


def _parts(text: str) -> list[_Said]:
    return [_said(part) for part in _SENTENCE.split(text)[:_MOST]]


def _said(text: str) -> _Said:
    tokens = tuple(_TOKEN.findall(text))
    stems = _stems(token for token in tokens if token.lower() not in _COMMON)
    names = frozenset(
        token
        for at, token in enumerate(tokens)
        if token[0].isupper() and (at or len(tokens) < 3) and token.lower() not in _COMMON
    )
    return _Said(tokens, stems, names, tuple(find_measures(text)), len(_DENIES.findall(text)))


def _joined(parts: Sequence[_Said]) -> _Said:
    return _Said(
        tuple(token for part in parts for token in part.tokens),
        frozenset().union(*(part.stems for part in parts)),
        frozenset().union(*(part.names for part in parts)),
        tuple(value for part in parts for value in part.values),
        sum(part.denies for part in parts),
    )


def _alike(short: Sequence[_Said], long: Sequence[_Said]) -> tuple[_Said, _Said]:
    return max(
        ((one, two) for one in short for two in long),
        key=lambda both: (
            len(both[0].stems & both[1].stems) ** 2 / (1 + len(both[0].stems) * len(both[1].stems))
        ),
    )


def _replaced(one: Sequence[str], two: Sequence[str]) -> tuple[int, int, int, int, int]:
    """Places where another number, name or word stands, and words that stand in one sentence alone."""
    numbers = names = words = less = more = 0
    matcher = SequenceMatcher(None, [t.lower() for t in one], [t.lower() for t in two], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        mine = [t for t in one[a:b] if t.lower() not in _COMMON]
        theirs = [t for t in two[c:d] if t.lower() not in _COMMON]
        if tag == "equal" or not (mine or theirs):
            continue
        if not mine or not theirs:
            less, more = less + len(mine), more + len(theirs)
        elif any(t[0].isdigit() for t in mine) and any(t[0].isdigit() for t in theirs):
            numbers += 1
        elif any(t[0].isupper() for t in mine) and any(t[0].isupper() for t in theirs):
            names += 1
        elif len(mine) <= 3 and len(theirs) <= 3:
            words += 1
        else:
            less, more = less + len(mine), more + len(theirs)
    return numbers, names, words, less, more


def _near(
    question: str, short: Sequence[_Said], long: Sequence[_Said], whole: _Said, other: _Said
) -> list[float]:
    """Names and values in the sentences closest to the question, and whether the other text has them."""
    asked = _said(question)
    if not asked.stems:
        return [0.0, 0.0, 0.0]
    known = {name.lower() for name in asked.tokens}
    shared_names, shared_values, alone = [], [], 0
    for parts, rest in ((short, other), (long, whole)):
        best = max(parts, key=lambda part: len(part.stems & asked.stems) / math.sqrt(1 + len(part.stems)))
        names = {name for name in best.names if name.lower() not in known}
        values = [v for v in best.values if not any(v.agrees(a) for a in asked.values)]
        held = {token.lower() for token in rest.tokens}
        kept = sum(name.lower() in held for name in names)
        agreed = sum(any(v.agrees(w) for w in rest.values) for v in values)
        shared_names.append(kept / len(names) if names else 1.0)
        shared_values.append(agreed / len(values) if values else 1.0)
        alone += len(names) - kept + len(values) - agreed
    return [min(shared_names), min(shared_values), _log(alone)]


def _disagree(mine: Sequence[Measure], theirs: Sequence[Measure]) -> float:
    """Share of the values on the side with fewer that could agree with one of the other and do not; 0 without any."""
    few, many = sorted((mine, theirs), key=len)
    could = [a for a in few if any(a.comparable(b) for b in many)]
    return sum(not any(a.agrees(b) for b in many) for a in could) / len(could) if could else 0.0


def _stems(words: Iterable[str]) -> frozenset[str]:
    """Beginnings of words, which for most is what inflection leaves alone."""
    return frozenset(word.lower()[:_STEM].rstrip("s") or word for word in words)


def _share(mine: frozenset[str], theirs: frozenset[str]) -> float:
    return len(mine & theirs) / len(mine) if mine else 1.0


def _log(count: int) -> float:
    return math.log1p(count)
