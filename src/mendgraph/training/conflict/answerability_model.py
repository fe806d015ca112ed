"""The answerability classifier while it is trained, and the rows that it learns from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from mendgraph.adapters.marks import marked
from mendgraph.core.answerability import FEATURES, LABELS, NOTHING, VALUE, features, label_of, texts
from mendgraph.modules.answer_head import AnswerHead, first_and_last, inside
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.pair_model import PairInputs, PairModel
from mendgraph.training.conflict.pair_spec import PairSpec
from mendgraph.training.conflict.pairs import BREAKING
from mendgraph.training.conflict.perturbation.files import read_asked
from mendgraph.training.emotion.tables import read_table

__all__ = ["PASSAGES", "AnswerabilityModel", "AskedDocument", "of_claims", "of_entailment", "of_passages"]

PASSAGES: Final = "questions_about_text"
"""Name of the source."""


@dataclass(frozen=True, slots=True)
class AskedDocument:
    """
    Attributes:
        label: of `LABELS`.
        source: the data set.
        span: where the document has the value; None where it has none.
    """

    question: str
    document: str
    label: str
    source: str
    span: tuple[int, int] | None = None

    @property
    def value(self) -> str | None:
        return None if self.span is None else self.document[slice(*self.span)]


class AnswerabilityModel(PairModel[AskedDocument]):
    """From a question and a document to logits of `LABELS`, and to where in the document the value stands."""

    kind_of_head = AnswerHead

    def __init__(self, spec: PairSpec, folder: Path, device: torch.device) -> None:
        super().__init__(spec, folder, device, LABELS, len(FEATURES))

    def inputs(self, rows: Sequence[AskedDocument]) -> PairInputs:
        pairs = [texts(row.question, row.document) for row in rows]
        found = self.inputs_of(
            pairs,
            [features(row.question, row.document) for row in rows],
            [row.label for row in rows],
            offsets=True,
        )
        tokens = found.tokens
        marks = [
            marked(offsets, types, _within(row, body))
            for offsets, types, row, (_, body) in zip(
                tokens.offsets or [], tokens.types or [], rows, pairs, strict=True
            )
        ]
        return replace(found, marks=torch.tensor(marks, dtype=torch.long).reshape(-1, 2))

    def loss(self, inputs: PairInputs, rows: Sequence[int], loss_of: nn.Module) -> Tensor:
        """That of the labels, and the mean cross-entropy of first and last token over the pairs that have a value."""
        states, mask, types = self.read(inputs, rows)
        found: Tensor = loss_of(
            self.judged(inputs, rows, states, mask, types), inputs.labels[list(rows)].to(self.device)
        )
        assert inputs.marks is not None
        wanted = inputs.marks[list(rows)].to(self.device)
        has = wanted[:, 0] >= 0
        if not has.any():
            return found
        with torch.autocast(self.device.type, enabled=False):
            chances = self._borders(states, mask, types)[has]
        at = wanted[has]
        picked = torch.stack([chances[:, :, side].gather(1, at[:, side, None]) for side in (0, 1)])
        return found - picked.mean() * has.float().mean()

    def places(self, inputs: PairInputs, rows: Sequence[int]) -> Tensor:
        """(B, T, 2) log-probabilities of the value's first and last token."""
        return self._borders(*self.read(inputs, rows))

    def _borders(self, states: Tensor, mask: Tensor, types: Tensor) -> Tensor:
        head: Any = self.head
        return first_and_last(head.marks(states), inside(types, mask))


def of_claims(sets: Iterable[ClaimSet]) -> Iterator[AskedDocument]:
    """Every document of every set."""
    for one in sets:
        for document, answer, span in zip(one.documents, one.answers, one.spans, strict=True):
            label = label_of(answer)
            own = span if label == VALUE else None
            yield AskedDocument(one.question, document.text, label, "claims", own)


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


def of_passages(path: Path) -> list[AskedDocument]:
    """Questions about real text; see `perturbation.asked`.

    Raises:
        DataError: the file is missing or malformed.
    """
    return [
        AskedDocument(
            one.question, one.document, one.label, PASSAGES, None if one.start < 0 else (one.start, one.end)
        )
        for one in read_asked(path)
    ]


def _within(row: AskedDocument, body: str) -> tuple[int, int] | None:
    """The span in the part of the document that is read; None where there is none, or it stands in the header."""
    if row.span is None:
        return None
    header = len(row.document) - len(body)
    first, last = (place - header for place in row.span)
    return (first, last) if first >= 0 else None
