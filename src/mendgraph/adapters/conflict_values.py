"""A tier without a model: compares what documents say word by word, for when no model can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mendgraph.core.claimed import Claimed, claimed_in
from mendgraph.core.conflict import LEVELS, Document, documents_of
from mendgraph.core.quantities import find_measures
from mendgraph.core.resolution import Claim, resolve
from mendgraph.core.units import DATE
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import InputError

__all__ = ["ConflictValuesTier"]

_SURE: Final = 0.8
"""Probability given to what the comparison finds: it is right more often than not, and no more than a rule."""


class ConflictValuesTier:
    """Takes from each document the value that the question seems to ask for, and compares them.

    A row's value is ``{"values": {document: value or None}, "pair": [document, document] or None}``.  Its probabilities
    are the rule's, not learned: nothing that only this tier says is ever accepted.
    """

    fingerprint: Final = "conflict-values-1"

    def __init__(self, name: str) -> None:
        self.name = name

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return [_compared(row) for row in rows]


def _compared(row: Input) -> Prediction | Failure:
    documents = documents_of(row)
    if not documents:
        return Failure.of(
            InputError("the row has no documents", hint='give {"question": ..., "documents": [text, ...]}')
        )
    found = {document.id: claimed_in(row.text, document.text) for document in documents}
    claims = [_claim(document, said) for document in documents if (said := found[document.id])]
    sides = resolve(claims, LEVELS[0]).sides
    level = LEVELS[0] if len(sides) < 2 else _level(sides[0].value)
    rest = (1.0 - _SURE) / (len(LEVELS) - 1)
    values = {name: None if said is None else said.value for name, said in found.items()}
    pair = [side.documents[0] for side in sides[:2]] if len(sides) > 1 else None
    return Prediction(
        level,
        {name: _SURE if name == level else rest for name in LEVELS},
        _SURE,
        value={"values": values, "pair": pair},
    )


def _claim(document: Document, said: Claimed) -> Claim:
    return Claim(document.id, said.value, document.date, document.reliability)


def _level(value: str) -> str:
    """Of a conflict about values like this one."""
    measures = find_measures(value)
    if measures:
        return "temporal" if measures[0].dimension == DATE else "numerical"
    return "semantic" if value in ("yes", "no") else "entity"
