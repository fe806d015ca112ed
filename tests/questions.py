"""Answers found in documents, made by hand, and a graph that finds such answers by looking for years."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mendgraph.config import load_config
from mendgraph.conflict import ConflictGraph, prepare_row
from mendgraph.core.conflict import CODES, LEVELS, Document, documents_of, spoken
from mendgraph.core.conflict_stages import DISPUTED, Stage, agreement, drafted
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer, Attempt, Failure, Input, Prediction
from mendgraph.evaluation.conflict_contrast import ContrastSet, load_conflict_contrast
from mendgraph.graphs.conflict import build
from mendgraph.nodes.context import Context
from mendgraph.testing import Scripted

QUESTION = "When did the Ostra Bridge open?"
DOCUMENTS = (
    Document("guide", "[2021, city archive] The Ostra Bridge opened in 1931. Its towers are older.", "2021"),
    Document("wiki", "[2003, newspaper] In 1927 the bridge was opened.\nThousands came.", "2003"),
    Document("leaflet", "Opened in 1931, the Ostra Bridge has two lanes."),
)


def passage(document: str, says: str) -> dict[str, Any]:
    """The sentence of one of `DOCUMENTS` in which `says` stands, and where it stands in the document."""
    text = next(one.text for one in DOCUMENTS if one.id == document)
    start = text.index(says)
    end = text.find(".", start) + 1
    first = max(text.rfind("] ", 0, start) + 2, 0) if "] " in text else 0
    return {
        "document": document,
        "text": text[first:end],
        "start": start,
        "end": start + len(says),
        "says": says,
    }


def value(level: str = "temporal", **more: Any) -> dict[str, Any]:
    """What a graph answers: a conflict between two sides, or with level ``none`` documents that agree."""
    conflict = level != "none"
    share = 0.97 if conflict else 0.04
    agreeing = [passage("guide", "1931"), passage("leaflet", "1931")]
    sides = [{"value": "1931", "documents": ["guide", "leaflet"]}, {"value": "1927", "documents": ["wiki"]}]
    return {
        "text": "1931",
        "conflict": conflict,
        "probability": share,
        "level": level,
        "code": CODES.get(level, ""),
        "levels": {level: share},
        "passages": [*agreeing, passage("wiki", "1927")] if conflict else agreeing,
        "sides": sides if conflict else sides[:1],
        "done": ["read", "detected", "refined"] if conflict else ["read", "detected"],
        "reason": "the latest document, of 2021",
        "passes": 1.25,
        "tokens": 1412,
        "notes": [],
        **more,
    }


def answered(level: str = "temporal", status: str = "accepted", **more: Any) -> Answer:
    full = value(level, **more)
    sure = status == "accepted"
    said = Prediction("1931", {"1931": 0.9}, 0.9, 0.9 if sure else 0.55)
    return Answer(
        spoken(QUESTION, DOCUMENTS),
        status,  # type: ignore[arg-type]  # one of `Status`
        "1931" if sure else None,
        "1931",
        full if sure else {**full, "text": None},
        said.confidence,
        source="reader" if sure else "",
        trail=(
            Attempt("reader", said, verdict="accept" if sure else "abstain", threshold=0.7, reason="reads"),
        ),
    )


class Skimmer:
    """Takes the first year after a header for what a document says; the latest document's for the answer.

    It doubts what it writes where a question asks about a "doubt".
    """

    def __init__(self, name: str = "reader", fingerprint: str = "skimmer") -> None:
        self.name, self.fingerprint = name, fingerprint

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [self._one(row, Stage(**row.facts["stage"])) for row in rows]

    def _one(self, row: Input, stage: Stage) -> Prediction:
        documents = documents_of(row)
        years = {one.id: _year(one.text) for one in documents}
        if stage.name == "detect":
            return agreement(0.97 if len({*years.values()} - {None}) > 1 else 0.03, cost(0.5))
        latest = max(documents, key=lambda one: one.date or "")
        sure = 0.2 if "doubt" in row.text else 0.9
        said = drafted(sure, {"text": years[latest.id] or "", "values": years, **cost(0.5)})
        return replace(said, confidence=sure)


def cost(passes: float) -> dict[str, Any]:
    return {"passes": passes, "tokens": int(100 * passes)}


def tiers() -> dict[str, Tier]:
    return {
        "reader": Skimmer(),
        "types": Scripted(lambda text: ("temporal", 0.9), labels=LEVELS),
    }


def question_cascade(
    tiers: Mapping[str, Tier], *, overrides: Sequence[str] = (), checkpointer: Any = None, **given: Any
) -> ConflictGraph:
    """The conflict graph over scripted tiers."""
    policy = HealingPolicy(labels=LEVELS, thresholds={"default": 0.5})
    more = {name: value for name, value in given.items() if value is not None}
    context = Context(prepare=prepare_row, tiers=dict(tiers), policy=policy, **more)
    spec = load_config(overrides=overrides).conflict
    return ConflictGraph("conflict", context, build, spec=spec, checkpointer=checkpointer)


def _year(text: str) -> str | None:
    found = re.search(r"\b1\d{3}\b", text)
    return found[0] if found else None


class Knower:
    """Knows the claim sets, but for those whose question is among `wrong`: there it sees the opposite."""

    def __init__(self, sets: Sequence[ContrastSet], wrong: Sequence[str] = ()) -> None:
        self.name = self.fingerprint = "knower"
        self._sets = {(one.question, one.documents): one for one in sets}
        self._wrong = set(wrong)

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [self._one(row) for row in rows]

    def _one(self, row: Input) -> Prediction:
        documents = documents_of(row)
        known = self._sets[row.text, tuple(one.text for one in documents)]
        stage = row.facts["stage"]["name"]
        if stage == "type":
            shares = {level: 0.96 if level == known.looks else 0.01 for level in LEVELS}
            return Prediction(known.looks, shares, 0.96)
        if stage == "detect":
            sees = known.conflict is not (row.text in self._wrong)
            return agreement(0.9 if sees else 0.1, cost(0.5))
        values = {one.id: known.answer for one in documents}
        if known.answer == DISPUTED:
            values = {one.id: ("yes", "no")[number % 2] for number, one in enumerate(documents)}
        said = drafted(0.9, {"text": known.answer, "values": values, **cost(0.5)})
        return replace(said, confidence=0.9)


def knowing(wrong: Sequence[str] = ()) -> dict[str, Tier]:
    knower = Knower(load_conflict_contrast(), wrong)
    return {"reader": knower, "types": knower}
