"""What can be compared between two documents without understanding them: dates, quantities, names, denials, words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

from mendgraph.core.alignment import ALIGNED, aligned
from mendgraph.core.quantities import Measure, find_measures
from mendgraph.core.units import DATE, NUMBER

__all__ = ["FEATURES", "body_of", "closeness", "evidence", "header_of"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_HEADER: Final = re.compile(r"^(?:\[[^\]]{1,80}\]|\([^)]{1,80}\)|[\w ,.-]{1,60}:)\s+(?=\S)")
_DENIALS: Final = frozenset(
    _words(
        "no not never none nobody nothing neither nor against fails fail useless without less fewer worse "
        "cannot n't isn't doesn't don't wasn't didn't"
    )
)
_STOP: Final = frozenset(
    _words(
        "the a an of in on at to for from by with and or is was are were be been has had have it its this "
        "that as it's according here who which what when where how does do did can may"
    )
)
_ASKS: Final = {
    "when": re.compile(r"\b(?:when|what (?:date|day|year)|by what date|for when)\b", re.I),
    "amount": re.compile(
        r"\bhow (?:many|much|long|high|tall|far|large|well|old|big|deep|wide|heavy)\b"
        r"|\bwhat (?:\w+ )?(?:height|length|area|number|distance|duration|load|weight|size|attendance|cargo)\b",
        re.I,
    ),
    "name": re.compile(r"\b(?:who|whose|whom|which|where|what is the (?:birthplace|home))\b", re.I),
    "yes or no": re.compile(r"(?:^|[:?.] )(?:is|are|does|do|did|has|have|had|can|may|was|were|will)\b", re.I),
}

FEATURES: Final = (
    *(
        f"{kind}: {what}"
        for kind in ("dates", "quantities", "numbers")
        for what in ("in both", "agree", "first alone", "second alone")
    ),
    "names shared",
    "names of the first alone",
    "names of the second alone",
    "denials in one",
    "denials in both",
    "words shared",
    "words of the first alone",
    "words of the second alone",
    "only numbers differ",
    "only names differ",
    "the question's names in both",
    "the question's words in both",
    "there is a question",
    *(f"it asks for {what}" for what in _ASKS),
    *ALIGNED,
)
"""Names of the numbers that `evidence` gives; the order of the texts matters only where a name says so."""


def header_of(text: str) -> str:
    """A header such as "[2019, city archive]" in front of a document; "" where there is none."""
    match = _HEADER.match(text)
    return match[0].strip() if match else ""


def body_of(text: str) -> str:
    """A document without a header such as "[2019, city archive]", whose date says nothing of the subject."""
    return _HEADER.sub("", text, count=1)


def evidence(question: str, first: str, second: str) -> list[float]:
    """As many numbers as `FEATURES`, each in [0, about 5]; "" for no question."""
    one, other = body_of(first), body_of(second)
    mine, theirs = find_measures(one), find_measures(other)
    found: list[float] = []
    for kind in (_is_date, _is_quantity, _is_number):
        found += _compared([m for m in mine if kind(m)], [m for m in theirs if kind(m)])
    asked = set(_names(question))
    names, others = set(_names(one)) - asked, set(_names(other)) - asked
    found += [_log(len(names & others)), _log(len(names - others)), _log(len(others - names))]
    denials = [any(word.lower() in _DENIALS for word in _WORD.findall(text)) for text in (one, other)]
    found += [float(denials[0] != denials[1]), float(all(denials))]
    words, rest = set(_content(one)), set(_content(other))
    mine_alone, theirs_alone = words - rest, rest - words
    found += [
        len(words & rest) / max(len(words | rest), 1),
        _log(len(mine_alone)),
        _log(len(theirs_alone)),
    ]
    apart = mine_alone | theirs_alone
    capitals = {name.lower() for name in names | others}
    found += [
        float(bool(apart) and all(_numeric(word) for word in apart)),
        float(bool(apart) and apart <= capitals),
    ]
    sought = set(_content(question)) - {name.lower() for name in asked}
    found += [
        min(_share(asked, one), _share(asked, other)),
        min(len(sought & words), len(sought & rest)) / max(len(sought), 1),
        float(bool(question.strip())),
    ]
    found += [float(bool(pattern.search(question))) for pattern in _ASKS.values()]
    return found + aligned(question, one, other)


def closeness(question: str, text: str) -> float:
    """How much of a question a document speaks of, in [0, 2]: share of its names, and share of its other words."""
    body = body_of(text)
    names = set(_names(question))
    sought = set(_content(question)) - {name.lower() for name in names}
    return _share(names, body) + len(sought & set(_content(body))) / max(len(sought), 1)


def _compared(mine: Sequence[Measure], theirs: Sequence[Measure]) -> list[float]:
    """Whether both have some; share of the pairs that could agree and do; logs of how many agree with none."""
    comparable = [(a, b) for a in mine for b in theirs if a.comparable(b)]
    if not comparable:
        return [0.0, 0.0, 0.0, 0.0]
    agreeing = sum(a.agrees(b) for a, b in comparable) / len(comparable)
    alone = sum(not any(a.agrees(b) for b in theirs) for a in mine)
    others = sum(not any(b.agrees(a) for a in mine) for b in theirs)
    return [1.0, agreeing, _log(alone), _log(others)]


def _is_date(one: Measure) -> bool:
    return one.dimension == DATE


def _is_number(one: Measure) -> bool:
    return one.dimension == NUMBER


def _is_quantity(one: Measure) -> bool:
    return one.dimension not in {DATE, NUMBER}


def _names(text: str) -> list[str]:
    """Capitalised words, but for the first of a sentence that is a common word."""
    return [word for word in _WORD.findall(text) if word[0].isupper() and word.lower() not in _STOP]


def _content(text: str) -> list[str]:
    return [word for word in (found.lower() for found in _WORD.findall(text)) if word not in _STOP]


def _numeric(word: str) -> bool:
    return word[0].isdigit() or bool(find_measures(word))


def _share(names: set[str], text: str) -> float:
    present = set(_names(text))
    return len(names & present) / len(names) if names else 1.0


def _log(count: int) -> float:
    return math.log1p(count)
