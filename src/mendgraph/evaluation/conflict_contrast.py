"""Do documents disagree, and what is the answer?  Claim sets written by hand for this question, and how a graph does.

They come in pairs: one question, with documents that contradict each other, and with documents that only look like it,
since they use other units, say it in other words, or speak of something else.  None is from a data set, none was ever
trained on, and both sides of a pair have equally many documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from mendgraph.core.answers import same_answer
from mendgraph.core.conflict import LEVELS
from mendgraph.core.values import Answer
from mendgraph.errors import DataError

FILE = "data/conflict_contrast.jsonl"
LEAST = 0.8
"""Share of the sets in which conflict or not must be told right, and of the accepted answers that must be right."""


@dataclass(frozen=True, slots=True)
class ContrastSet:
    """
    Attributes:
        pair: name of the two sets that share a question.
        looks: level of the conflict that there is, or seems to be.
        level: of the conflict that there is, or ``none``.
        answer: by the rule of the level, or the one that the question names.
    """

    pair: str
    looks: str
    level: str
    question: str
    documents: tuple[str, ...]
    answer: str

    @property
    def conflict(self) -> bool:
        return self.level != LEVELS[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was answered to one set."""

    asked: ContrastSet
    answer: Answer

    @property
    def found(self) -> bool | None:
        """Whether the documents were said to conflict; None where nobody could say."""
        return None if self.answer.value is None else bool(self.answer.value["conflict"])

    @property
    def noticed(self) -> bool:
        return self.found is self.asked.conflict

    @property
    def leveled(self) -> bool:
        return self.noticed and self.answer.value["level"] == self.asked.level

    @property
    def right(self) -> bool:
        """Whether the likeliest answer is the expected one, accepted or not."""
        said = self.answer.best_guess
        return said is not None and same_answer(said, self.asked.answer)

    def to_dict(self) -> dict[str, Any]:
        value = self.answer.value or {}
        return {
            **asdict(self.asked),
            "documents": list(self.asked.documents),
            "status": self.answer.status,
            "said": self.answer.best_guess,
            "confidence": self.answer.confidence,
            "said_level": value.get("level"),
            "probability": value.get("probability"),
            "noticed": self.noticed,
            "leveled": self.leveled,
            "right": self.right,
            "error": self.answer.error.message if self.answer.error else None,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What a graph made of the sets, in file order."""

    outcomes: tuple[Outcome, ...]
    least: float

    @property
    def noticed(self) -> float:
        """Share of the sets in which conflict or not was told right."""
        return sum(one.noticed for one in self.outcomes) / len(self.outcomes)

    @property
    def accepted(self) -> tuple[Outcome, ...]:
        return tuple(one for one in self.outcomes if one.answer.accepted)

    @property
    def precise(self) -> float | None:
        """Share of the accepted answers that are right; None where none was accepted."""
        kept = self.accepted
        return sum(one.right for one in kept) / len(kept) if kept else None

    @property
    def passed(self) -> bool:
        return self.noticed >= self.least and self.precise is not None and self.precise >= self.least

    def by_kind(self) -> dict[str, list[Outcome]]:
        """Level, or ``looks like`` it, -> its outcomes."""
        found: dict[str, list[Outcome]] = {}
        for level in LEVELS[1:]:
            for conflict, name in ((True, level), (False, f"looks {level}")):
                found[name] = [
                    one
                    for one in self.outcomes
                    if one.asked.looks == level and one.asked.conflict is conflict
                ]
        return {name: outcomes for name, outcomes in found.items() if outcomes}

    def wrong(self) -> list[Outcome]:
        """Conflicts missed or imagined, then wrong levels, then wrong answers."""
        missed = [one for one in self.outcomes if not (one.leveled and one.right)]
        return sorted(missed, key=lambda one: (one.noticed, one.leveled, one.right))

    def to_dict(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "least": self.least,
            "noticed": self.noticed,
            "leveled": sum(one.leveled for one in self.outcomes) / len(self.outcomes),
            "right": sum(one.right for one in self.outcomes) / len(self.outcomes),
            "accepted": len(self.accepted),
            "accepted_right": self.precise,
            "sets": [one.to_dict() for one in self.outcomes],
        }


def load_conflict_contrast() -> tuple[ContrastSet, ...]:
    """The committed sets, in file order."""
    content = files("mendgraph.evaluation").joinpath(FILE).read_text(encoding="utf-8")
    return tuple(_set(line, number) for number, line in enumerate(content.splitlines(), 1))


def verify(
    run: Callable[[list[object]], Sequence[Answer]], sets: Sequence[ContrastSet], *, least: float = LEAST
) -> Verification:
    """
    Args:
        run: answers rows, in order.

    Raises:
        DataError: there are no sets.
    """
    if not sets:
        raise DataError("no claim sets to verify with")
    answers = run([{"question": one.question, "documents": list(one.documents)} for one in sets])
    return Verification(tuple(map(Outcome, sets, answers)), least)


def _set(line: str, number: int) -> ContrastSet:
    try:
        fields = json.loads(line)
        return ContrastSet(**{**fields, "documents": tuple(fields["documents"])})
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{FILE}, line {number}: {error}") from error
