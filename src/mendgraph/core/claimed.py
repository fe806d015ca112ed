"""What a document claims, found without a model: values of the kind that a question asks for, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mendgraph.core.answers import normal_form, same_answer
from mendgraph.core.evidence import closeness, header_of
from mendgraph.core.quantities import find_measures
from mendgraph.core.resolution import without_rule
from mendgraph.core.units import DATE

__all__ = ["NEAR", "Claimed", "claimed_in", "fits", "located", "sentences_of", "whole"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SENTENCE: Final = re.compile(
    r"(?<=[.!?])(?<!\b[A-Z]\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)\s+(?=[\"'(\[A-Z0-9])|\n+"
)
"""Between two sentences; not after an initial or a title."""
_NAME: Final = re.compile(
    r"[A-Z][\w'’.-]*(?:\s+(?:of|de|van|von|the|and|&)\s+[A-Z][\w'’.-]*|\s+[A-Z][\w'’.-]*)*"
)
_DENIAL: Final = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|without|cannot|useless|fails?|loses?|harmful)\b|n['’]t\b",
    re.I,
)
_KINDS: Final = {
    "yes or no": re.compile(
        r"(?:^|[:?.,] )(?:is|are|does|do|did|has|have|had|can|may|was|were|will|would|should)\b", re.I
    ),
    "date": re.compile(r"\b(?:when|(?:what|which) (?:date|day|month|year)|since what|by what date)\b", re.I),
    "amount": re.compile(
        r"\bhow (?:many|much|long|high|tall|far|large|well|old|big|deep|wide|heavy|fast|hot|cold)\b"
        r"|\bwhat (?:\w+ )?(?:height|length|area|number|distance|duration|load|weight|size|attendance|price|share"
        r"|percentage|speed|depth|age|population)\b",
        re.I,
    ),
}
_WHO: Final = re.compile(r"\b(?:who|whose|whom)\b", re.I)
_COMMON: Final = frozenset(
    _words(
        "the a an of in on at to for from by with and or is was are were be been it its this that as here who which "
        "what when where how why whose whom we they he she his her there not no one january february march april may "
        "june july august september october november december dr mr mrs ms"
    )
)
_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_YEAR: Final = re.compile(r"(?:1\d|20)\d\d")
NEAR: Final = 1.15
"""Closeness from which a document is taken to speak of what is asked: all of its names, and some of its words."""
_SAME_NAMES: Final = 1.0
"""The same where dates and amounts are asked for: they say themselves whether they fit."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A value and its place in the document's text: [start, end)."""

    value: str
    start: int
    end: int


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Places of the sentences, a header such as "[2019, city archive]" left out."""
    begin = len(header_of(text))
    found = []
    for match in [*_SENTENCE.finditer(text, begin), None]:
        end = len(text) if match is None else match.start()
        inside = text[begin:end]
        if inside.strip():
            start = begin + len(inside) - len(inside.lstrip())
            found.append((start, start + len(inside.strip())))
        begin = len(text) if match is None else match.end()
    return found


def claimed_in(question: str, text: str, *, near: float = NEAR) -> Claimed | None:
    """What the sentence closest to the question says of the kind of thing it asks for; None where nothing fits.

    A comparison of words: it takes no account of what the sentence means.

    Args:
        near: closeness from which a document speaks of what is asked; 1 asks for all names and no other word.
    """
    question = without_rule(question)
    kind = _asked(question)
    if closeness(question, text) < (min(near, _SAME_NAMES) if kind in ("date", "amount") else near):
        return None
    ranked = sorted(sentences_of(text), key=lambda place: -closeness(question, text[place[0] : place[1]]))
    for start, end in ranked:
        for value, first, last in _candidates(kind, question, text[start:end]):
            return Claimed(value, start + first, start + last)
    return None


def located(question: str, value: str, text: str) -> tuple[int, int] | None:
    """Where a document states a value: its words, else a quantity or date that agrees, else a form of the name.

    A yes or no stands in the sentence closest to the question, where that denies it or not, as the value says.
    """
    question = without_rule(question)
    begin = len(header_of(text))
    form = normal_form(value)
    if form in ("yes", "no"):
        return _stance(question, form, text)
    if not value.strip():
        return None
    near = sorted(sentences_of(text), key=lambda place: -closeness(question, text[place[0] : place[1]]))
    pattern = re.compile(rf"(?<!\w){re.escape(value.strip())}(?!\w)", re.I)
    for start, end in near:
        if match := pattern.search(text, start, end):
            return match.span()
    agreeing = [
        one for one in find_measures(text[begin:]) if same_answer(text[begin:][one.start : one.end], value)
    ]
    if agreeing:
        finest = min(agreeing, key=lambda one: one.width)
        return begin + finest.start, begin + finest.end
    for start, end in near:
        for match in _NAME.finditer(text, start, end):
            if same_answer(match[0].rstrip("."), value):
                return match.start(), match.start() + len(match[0].rstrip("."))
    return None


def fits(question: str, value: str) -> bool:
    """Whether a value is of the kind that the question asks for: a date, an amount, yes or no, a name, or else a word
    that is neither common nor the question's own."""
    kind = _asked(without_rule(question))
    if normal_form(value) in ("yes", "no", "disputed"):
        return kind == "yes or no"
    if kind in ("date", "amount"):
        found = find_measures(value)
        years = kind == "date" and _YEAR.search(value) is not None
        return years or any((one.dimension == DATE) == (kind == "date") for one in found)
    if _WHO.search(question):
        return bool(_names(value) - _names(question))
    asked = {word.lower() for word in _WORD.findall(question)}
    return any(word.lower() not in _COMMON | asked for word in _WORD.findall(value))


def whole(question: str, value: str, text: str) -> str | None:
    """The value as the document writes it, in full where it is only a part of a quantity, a date or a name there; None
    where it does not stand there."""
    span = located(question, value, text)
    if span is None:
        return None
    start, end = span
    header = len(header_of(text))
    body = text[header:]
    places = [(header + one.start, header + one.end) for one in find_measures(body)]
    places += [match.span() for one in sentences_of(text) for match in _NAME.finditer(text, *one)]
    wider = [place for place in places if place[0] <= start and end <= place[1] and place != span]
    asked = _names(question)
    for first, last in wider:
        shown = text[first:last].rstrip(".")
        if not _names(shown) & asked - _names(value):
            return shown
    return text[start:end]


def _stance(question: str, form: str, text: str) -> tuple[int, int] | None:
    places = sentences_of(text)
    if not places or closeness(question, text) < 1.0:
        return None
    start, end = max(places, key=lambda place: closeness(question, text[place[0] : place[1]]))
    return (start, end) if _denies(text[start:end]) == (form == "no") else None


def _candidates(kind: str, question: str, sentence: str) -> Iterator[tuple[str, int, int]]:
    """Values of the kind asked for, the likeliest first."""
    if kind == "yes or no":
        yield ("no" if _denies(sentence) else "yes"), 0, len(sentence)
        return
    if kind in ("date", "amount"):
        known = [question[one.start : one.end] for one in find_measures(question)]
        found = [(sentence[one.start : one.end], one) for one in find_measures(sentence)]
        fitting = [pair for pair in found if (pair[1].dimension == DATE) == (kind == "date")]
        years = [pair for pair in found if kind == "date" and _YEAR.fullmatch(pair[0])]
        for text, one in fitting or years:
            if not any(same_answer(text, old) for old in known):
                yield text, one.start, one.end
        return
    asked = _names(question)
    for match in _NAME.finditer(sentence):
        name = match[0].rstrip(".")
        if _names(name) - asked and not _names(name) & asked:
            yield name, match.start(), match.start() + len(name)


def _asked(question: str) -> str:
    """The kind of answer: a key of `_KINDS`, else a name."""
    amount_or_date = [kind for kind in ("date", "amount") if _KINDS[kind].search(question)]
    if amount_or_date:
        return amount_or_date[0]
    return "yes or no" if _KINDS["yes or no"].search(question) else "name"


def _denies(sentence: str) -> bool:
    return bool(_DENIAL.search(sentence))


def _names(text: str) -> set[str]:
    return {word for word in re.findall(r"\b[A-Z][\w'’-]*", text) if word.lower() not in _COMMON}
