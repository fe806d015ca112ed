"""What documents were heard to say, held against their words: what does not stand there is not believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mendgraph.core.answers import normal_form
from mendgraph.core.claimed import NEAR, claimed_in, fits, whole
from mendgraph.core.conflict import Document

__all__ = ["DOUBT", "Mended", "mended"]

DOUBT: Final = 0.5
"""Probability of a document saying nothing, below which its words are compared; where no policy was fitted."""

_STANCES: Final = ("yes", "no")
_COMPARED: Final = 0.5
"""Probability given to what comes from the comparison: it knows no meaning."""


@dataclass(frozen=True, slots=True)
class Mended:
    """
    Attributes:
        values: document -> what it says; None where nothing.
        sure: document -> probability that it says just this.
        changed: how many values come from the documents' words, or were left out because they do not stand there.
    """

    values: Mapping[str, str | None]
    sure: Mapping[str, float]
    changed: int


def mended(
    question: str,
    documents: Sequence[Document],
    values: Mapping[str, str | None],
    sure: Mapping[str, float],
    doubt: float = DOUBT,
) -> Mended:
    """
    Args:
        values, sure: of a reader; documents that it was not given are missing.
        doubt: where the reader is less sure that a document says nothing, what its words seem to say counts.
    """
    found: dict[str, str | None] = {}
    chances: dict[str, float] = {}
    changed = 0
    for document in documents:
        if document.id not in values:
            continue
        heard, chance = values[document.id], sure.get(document.id, 1.0)
        value = None if heard is None else _stated(question, heard, document.text)
        if value is None and (heard is not None or chance < doubt):
            claim = claimed_in(question, document.text, near=NEAR if heard is None else 0.0)
            value = None if claim is None else claim.value
        same = value == heard or (value is not None and heard is not None and heard in value)
        changed += not same
        found[document.id] = value
        chances[document.id] = chance if same else _COMPARED
    return Mended(found, chances, changed)


def _stated(question: str, value: str, text: str) -> str | None:
    """The value, in full, if it is of the kind asked for and the document states it."""
    if normal_form(value) in _STANCES:
        return value
    return whole(question, value, text) if fits(question, value) else None
