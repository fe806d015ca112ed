"""What can be said about a subject: an attribute with its questions and clauses, split by use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from mendgraph.training.conflict.claims.paraphrases.paraphrase import Paraphrases

Slot = Literal["date", "office", "quantity", "entity", "stance"]
Split = Literal["train", "dev", "test"]

SPLITS: Final[tuple[Split, ...]] = ("train", "dev", "test")
QUESTIONS: Final[Mapping[Split, slice]] = {"train": slice(0, 2), "dev": slice(2, 3), "test": slice(3, 4)}
CLAUSES: Final[Mapping[Split, slice]] = {"train": slice(0, 4), "dev": slice(4, 5), "test": slice(5, 7)}
"""Which of an attribute's own questions and clauses a split uses; none is used by two."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that documents say about subjects of one group.

    Attributes:
        name: unique.
        slot: kind of value; it decides the level of a conflict.
        group: subjects it applies to, a key of `subjects.GROUPS`.
        value: what values are drawn from: "date", "person", "company", "town", "country", "stance", or a dimension
            of `quantities.DIMENSIONS`.
        ask: four questions with ``{s}`` for the subject: two of train, one of dev, one of test.
        say: seven clauses with ``{s}`` and one of ``{v}`` (the value) or ``{on}`` (a date with its preposition): four
            of train, one of dev, two of test.  Of a stance they say yes.
        deny: of a stance, seven clauses that say no.
        low, high: bounds of a quantity in the dimension's base unit, or of a year.
        more: further wordings of train; with them alone, `ask` and `say` empty, an attribute is train's alone.
    """

    name: str
    slot: Slot
    group: str
    value: str
    ask: Sequence[str]
    say: Sequence[str]
    deny: Sequence[str] = ()
    low: float = 0.0
    high: float = 0.0
    more: Paraphrases | None = None

    def questions(self, split: Split) -> Sequence[str]:
        own = self.ask[QUESTIONS[split]]
        return own if self.more is None or split != "train" else (*own, *self.more.ask)

    def clauses(self, split: Split, *, deny: bool = False) -> Sequence[str]:
        own = (self.deny if deny else self.say)[CLAUSES[split]]
        if self.more is None or split != "train":
            return own
        return (*own, *(self.more.deny if deny else self.more.say))
