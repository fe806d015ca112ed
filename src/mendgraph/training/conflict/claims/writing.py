"""Makes one document's text of a claim, and says where in it the claimed value stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from mendgraph.training.conflict.claims.attribute import Attribute, Split
from mendgraph.training.conflict.claims.frames import ASIDES, FRAMES, HEADERS
from mendgraph.training.conflict.claims.subjects import Subject
from mendgraph.training.conflict.claims.surface import Surface

_MARK: Final = "\x00"
_ASIDE: Final[Mapping[Split, float]] = {"train": 0.4, "dev": 0.25, "test": 0.25}
"""Share of the documents with a sentence that has nothing to do with the question."""
_SECOND: Final = 0.4
"""Share of those of train that have two."""
_BEFORE: Final = 0.5
"""Share of train's such sentences that stand before the claim, not behind it."""
_PLAIN: Final = 0.7
"""Share of the mentions that use a subject's plain name."""


@dataclass(frozen=True, slots=True)
class Written:
    """A document's text; ``text[start:end]`` is the claimed value, or the clause that takes a stance."""

    text: str
    start: int
    end: int


def told(
    random: Random, split: Split, attribute: Attribute, subject: Subject, value: Surface, header: str
) -> Written:
    clause = random.choice(attribute.clauses(split))
    clause = clause.replace("{on}", value.preposition + _MARK).replace("{v}", _MARK)
    return _written(random, split, clause.replace("{s}", mention(random, subject)), value.text, header)


def argued(
    random: Random, split: Split, attribute: Attribute, subject: Subject, yes: bool, header: str
) -> Written:
    clause = random.choice(attribute.clauses(split, deny=not yes))
    return _written(random, split, _MARK, clause.replace("{s}", mention(random, subject)), header)


def mention(random: Random, subject: Subject) -> str:
    return subject.name if random.random() < _PLAIN else random.choice(subject.names)


def heading(random: Random, date: str | None, source: str | None) -> str:
    """In front of a document; "" where nothing is known."""
    if date is None and source is None:
        return ""
    if date is None or source is None:
        return random.choice(("[{}] ", "{}: ")).format(date or source)
    return random.choice(HEADERS).format(date=date, source=source) + " "


def _written(random: Random, split: Split, clause: str, value: str, header: str) -> Written:
    sentence = random.choice(FRAMES[split]).replace("{c}", clause)
    if sentence.startswith(_MARK):
        value = value[0].upper() + value[1:]
    sentence = sentence[0].upper() + sentence[1:]
    text = header + _with_asides(random, split, sentence)
    start = text.index(_MARK)
    return Written(text.replace(_MARK, value), start, start + len(value))


def _with_asides(random: Random, split: Split, sentence: str) -> str:
    if random.random() >= _ASIDE[split]:
        return sentence
    if split != "train":
        return f"{sentence} {random.choice(ASIDES[split])}"
    for aside in random.sample(ASIDES[split], 2 if random.random() < _SECOND else 1):
        sentence = f"{aside} {sentence}" if random.random() < _BEFORE else f"{sentence} {aside}"
    return sentence
