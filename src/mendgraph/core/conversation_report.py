"""What a graph says about the counsellor's side of a session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mendgraph.core.reflection import LABELS
from mendgraph.core.speakers import Role
from mendgraph.core.values import Answer


@dataclass(frozen=True, slots=True)
class ScoredTurn:
    """One turn of a session.

    Attributes:
        number: from 1.
        role: None for a speaker who is neither.
        answer: the graph's, for a counsellor's turn that answers a client; None for every other.
        shared: numbers of the turns that were joined and share this score; empty for a turn of its own.
        note: why it is not scored, or what was cut.
    """

    number: int
    speaker: str
    role: Role | None
    text: str
    answer: Answer | None = None
    shared: tuple[int, ...] = ()
    note: str = ""

    @property
    def score(self) -> float | None:
        """In [0, 1]: 0 no reflection, .5 a simple one, 1 a complex one."""
        return None if self.answer is None or self.answer.value is None else float(self.answer.value["score"])

    @property
    def level(self) -> str | None:
        return self.answer.best_guess if self.answer else None

    def to_dict(self) -> dict[str, Any]:
        answer = self.answer
        return {
            "turn": self.number,
            "speaker": self.speaker,
            "role": self.role,
            "text": self.text,
            "score": self.score,
            "level": self.level,
            "confidence": answer.confidence if answer else None,
            "status": answer.status if answer else None,
            "source": answer.source if answer else None,
            "shared": list(self.shared),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class ConversationReport:
    """A session, turn by turn."""

    turns: Sequence[ScoredTurn]

    @property
    def scored(self) -> list[ScoredTurn]:
        """One turn per score, the first where several share it; those the graph failed on are left out."""
        return [t for t in self.turns if t.score is not None and (not t.shared or t.number == t.shared[0])]

    @property
    def answers(self) -> list[Answer]:
        """One per exchange, in order."""
        return [t.answer for t in self.turns if t.answer and (not t.shared or t.number == t.shared[0])]

    def summary(self) -> dict[str, Any]:
        """JSON values only.

        Keys: ``turns``; ``exchanges``, counsellor's answers to a client; ``scored`` and ``failed`` of them;
        ``mean_score`` in [0, 1]; ``levels``: level -> exchanges; ``reflections``, share of exchanges that are
        reflections; ``complex_share`` of the reflections (MITI 4.2, "% complex reflections"); ``unsure``: exchanges
        whose level was not accepted.  Shares and means are None where there is nothing to divide by.
        """
        scored = self.scored
        levels = Counter(t.level for t in scored)
        reflecting = levels["simple"] + levels["complex"]
        return {
            "turns": len(self.turns),
            "exchanges": len(self.answers),
            "scored": len(scored),
            "failed": len(self.answers) - len(scored),
            "unsure": sum(t.answer is not None and not t.answer.accepted for t in scored),
            "mean_score": _share(sum(t.score or 0.0 for t in scored), len(scored)),
            "levels": {level: levels[level] for level in LABELS},
            "reflections": _share(reflecting, len(scored)),
            "complex_share": _share(levels["complex"], reflecting),
        }

    def to_dict(self) -> dict[str, Any]:
        return {"summary": self.summary(), "turns": [turn.to_dict() for turn in self.turns]}


def notes_on(answer: Answer) -> str:
    """What a reader of the score should know: why there is none, what was cut, what it took to get it."""
    said = dict.fromkeys(note for attempt in answer.trail for note in attempt.notes)
    return "; ".join([*said, *([answer.error.message] if answer.error else [])])


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
