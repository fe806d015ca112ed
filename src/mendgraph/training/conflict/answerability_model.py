"""The answerability classifier while it is trained, and the rows that it learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from mendgraph.core.answerability import FEATURES, LABELS, NOTHING, features, label_of, texts
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.pair_model import PairInputs, PairModel
from mendgraph.training.conflict.pairs import BREAKING
from mendgraph.training.conflict.types_spec import TypesSpec
from mendgraph.training.emotion.tables import read_table

__all__ = ["AnswerabilityModel", "AskedDocument", "of_claims", "of_entailment"]


@dataclass(frozen=True, slots=True)
class AskedDocument:
    """Attributes: label: of `LABELS`; source: the data set."""

    question: str
    document: str
    label: str
    source: str


class AnswerabilityModel(PairModel[AskedDocument]):
    """From a question and a document to logits of `LABELS`."""

    def __init__(self, spec: TypesSpec, folder: Path, device: torch.device) -> None:
        super().__init__(spec, folder, device, LABELS, len(FEATURES))

    def inputs(self, rows: Sequence[AskedDocument]) -> PairInputs:
        return self.inputs_of(
            [texts(row.question, row.document) for row in rows],
            [features(row.question, row.document) for row in rows],
            [row.label for row in rows],
        )


def of_claims(sets: Iterable[ClaimSet]) -> Iterator[AskedDocument]:
    """Every document of every set."""
    for one in sets:
        for document, answer in zip(one.documents, one.answers, strict=True):
            yield AskedDocument(one.question, document.text, label_of(answer), "claims")


def of_entailment(folder: Path, split: str) -> list[AskedDocument]:
    """Breaking NLI (Glockner et al., ACL 2018), its own split by premise: the premise says yes or no to the hypothesis,
    or nothing where it is neutral.

    Raises:
        DataError: the file is missing or malformed.
    """
    table = read_table(folder / BREAKING, ("text_a", "text_b", "gold_label", "split"))
    rows = zip(*(table[name] for name in ("text_a", "text_b", "gold_label", "split")), strict=True)
    return [AskedDocument(b, a, _SAID[gold], "breaking_nli") for a, b, gold, where in rows if where == split]


_SAID = {"entailment": "yes", "contradiction": "no", "neutral": NOTHING}
