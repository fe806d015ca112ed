"""What is known of one row of the conflict graph on its way: found, asked, compared, decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from mendgraph.core.answers import same_answer
from mendgraph.core.claimed import NEAR, claimed_in, located, sentences_of
from mendgraph.core.conflict import CODES, LEVELS, Document
from mendgraph.core.conflict_stages import DISPUTED
from mendgraph.core.evidence import closeness
from mendgraph.core.resolution import Claim, Resolution, resolve, rule_in

__all__ = ["Case", "best_guess", "full_value", "is_stated", "resolved"]

_EVEN: Final = 1.0 / (len(LEVELS) - 1)


@dataclass(frozen=True, slots=True)
class Case:
    """Plain data, for a checkpointer.

    Attributes:
        next: the stage that the row waits for; "" when it is settled.
        probability: that the documents conflict; None while nobody has said.
        shares: level -> its share of the conflicts, without "none"; empty while nobody has said.
        typed: probability of a conflict by the tier that tells levels apart; None where it was not asked.
        text: the answer so far; None without one.
        confidence: calibrated probability in [0, 1] that it is right; None where no calibration fits.
        accepted: whether it may be believed.
        values: document -> what it says; None where nothing; the key is missing where nobody asked.
        done: what was done, in order.
        passes, tokens: of the reader.
        notes: what was cut or left out.
        source: the tier that gave `text`.
    """

    next: str = "detect"
    probability: float | None = None
    conflict: bool = False
    shares: Mapping[str, float] = field(default_factory=dict)
    typed: float | None = None
    text: str | None = None
    confidence: float | None = None
    accepted: bool = False
    values: Mapping[str, str | None] = field(default_factory=dict)
    done: Sequence[str] = ()
    reason: str = ""
    passes: float = 0.0
    tokens: int = 0
    notes: Sequence[str] = ()
    source: str = ""

    @property
    def level(self) -> str:
        """The likeliest level of a conflict, "none" without one."""
        if not self.conflict:
            return LEVELS[0]
        return max(self.shares, key=self.shares.__getitem__) if self.shares else LEVELS[-1]

    @property
    def levels(self) -> dict[str, float]:
        """Level -> probability; evenly shared out among the levels of conflict where nobody has told them apart."""
        chance = 0.0 if self.probability is None else self.probability
        shares = {level: self.shares.get(level, _EVEN if not self.shares else 0.0) for level in LEVELS[1:]}
        return {LEVELS[0]: 1.0 - chance, **{level: chance * share for level, share in shares.items()}}

    def after(self, what: str, value: Mapping[str, Any] | None = None, **changes: Any) -> Case:
        """With one thing more done, and what it cost and left out, as its tier's `value` says."""
        told = value or {}
        notes = tuple(dict.fromkeys([*self.notes, *told.get("notes", ())]))
        return replace(
            self,
            done=(*self.done, what) if what else tuple(self.done),
            passes=self.passes + told.get("passes", 0.0),
            tokens=self.tokens + told.get("tokens", 0),
            notes=notes,
            **changes,
        )

    def to_dict(self) -> dict[str, Any]:
        found = asdict(self)
        return {**found, "done": list(self.done), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Case:
        return cls(**{**data, "done": tuple(data["done"]), "notes": tuple(data["notes"])})


def claims_of(case: Case, documents: Sequence[Document]) -> list[Claim]:
    """What the documents say, with their dates and reliability."""
    said = ((document, case.values.get(document.id)) for document in documents)
    return [
        Claim(document.id, value, document.date, document.reliability)
        for document, value in said
        if value is not None
    ]


def resolved(case: Case, question: str, documents: Sequence[Document]) -> Resolution:
    """By the rule that the question names, else by that of the level; of documents that agree, as most of them say."""
    rule = rule_in(question) if case.conflict else None
    return resolve(claims_of(case, documents), case.level, rule)


def is_stated(question: str, answer: str, documents: Sequence[Document]) -> bool:
    """Whether some document states the answer; "disputed" needs none."""
    return answer == DISPUTED or any(located(question, answer, one.text) for one in documents)


def full_value(case: Case, question: str, documents: Sequence[Document]) -> dict[str, Any]:
    """The graph's full answer; see `graphs.conflict`."""
    shown = case if case.values else replace(case, values=_compared(case, question, documents))
    sides = resolve(claims_of(shown, documents), LEVELS[0]).sides
    return {
        "text": case.text,
        "conflict": case.conflict,
        "probability": 0.0 if case.probability is None else case.probability,
        "level": case.level,
        "code": CODES.get(case.level, ""),
        "levels": case.levels,
        "passages": _passages(shown, question, documents),
        "sides": [{"value": side.value, "documents": list(side.documents)} for side in sides],
        "done": list(case.done),
        "reason": case.reason,
        "passes": round(case.passes, 4),
        "tokens": case.tokens,
        "notes": list(case.notes),
    }


def best_guess(case: Case, question: str, documents: Sequence[Document]) -> str | None:
    """The answer so far, else the side that the level's rule takes, else the one most documents take."""
    if case.text is not None:
        return case.text
    shown = case if case.values else replace(case, values=_compared(case, question, documents))
    found = resolved(shown, question, documents)
    return found.answer or (found.sides[0].value if found.sides else None)


def _compared(case: Case, question: str, documents: Sequence[Document]) -> dict[str, str | None]:
    """What documents say, where nobody was asked: the answer where they state it, and in a conflict what they say of
    the kind of thing that is asked for; with a lower bar where that leaves a conflict with one side."""
    found = _claimed(case, question, documents, NEAR)
    sides = resolve(claims_of(replace(case, values=found), documents), LEVELS[0]).sides
    return _claimed(case, question, documents, 1.0) if case.conflict and len(sides) < 2 else found


def _claimed(case: Case, question: str, documents: Sequence[Document], near: float) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for document in documents:
        if case.text is not None and located(question, case.text, document.text):
            found[document.id] = case.text
        elif case.conflict:
            claim = claimed_in(question, document.text, near=near)
            found[document.id] = None if claim is None else claim.value
    return found


def _passages(case: Case, question: str, documents: Sequence[Document]) -> list[dict[str, Any]]:
    """What every document says; where they agree on an answer that is believed, what supports it."""
    found = []
    believed = case.text if case.accepted and not case.conflict else None
    for document in documents:
        says = case.values.get(document.id)
        if says is None or (believed is not None and not same_answer(says, believed)):
            continue
        found.append(_quoted(question, says, document))
    return found


def _quoted(question: str, says: str, document: Document) -> dict[str, Any]:
    span = located(question, says, document.text) or (-1, -1)
    places = sentences_of(document.text) or [(0, len(document.text))]
    inside = [place for place in places if place[0] <= span[0] < place[1]]
    first, last = (
        inside[0] if inside else max(places, key=lambda at: closeness(question, document.text[at[0] : at[1]]))
    )
    return {
        "document": document.id,
        "text": document.text[first:last],
        "start": span[0],
        "end": span[1],
        "says": says,
    }
