"""What documents are heard to say: by a judge where it knows, by the reader where something has to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from mendgraph.adapters.reader.listener import Listener
from mendgraph.adapters.reader.reader import Reader
from mendgraph.core.answerability import LABELS
from mendgraph.core.arrays import FloatArray
from tests.readers import DOCUMENTS, QUESTION, models, reader


class Scripted:
    """Says of every document what it is told to."""

    def __init__(self, *said: str, sure: float = 0.7) -> None:
        self.said, self.sure = said, sure
        self.asked: list[tuple[str, str]] = []

    def chances(self, asked: Sequence[tuple[str, str]]) -> FloatArray:
        self.asked += asked
        rest = (1.0 - self.sure) / (len(LABELS) - 1)
        rows = [[self.sure if label == said else rest for label in LABELS] for said in self.said]
        return np.array(rows[: len(asked)])


@pytest.fixture(scope="module")
def one() -> Reader:
    return reader(models()["llama"], longest=6)


def heard(one: Reader, judge: Any) -> list[Any]:
    prompt = one.prompt(QUESTION, DOCUMENTS)
    return Listener(one, judge).hear([prompt], [QUESTION], [DOCUMENTS])[0]


def test_the_reader_alone_reads_every_document(one: Reader) -> None:
    said = heard(one, None)
    assert [each.value for each in said] == one.values([one.prompt(QUESTION, DOCUMENTS)])[0]
    assert all(each.tokens > 0 for each in said)


def test_what_the_judge_knows_is_not_read(one: Reader) -> None:
    kinds = [("nothing", "yes", "no")[number % 3] for number in range(len(DOCUMENTS))]
    judge = Scripted(*kinds)
    said = heard(one, judge)
    assert [each.value for each in said] == [None if kind == "nothing" else kind for kind in kinds]
    assert [each.tokens for each in said] == [0] * len(said)
    assert [each.probability for each in said] == pytest.approx([0.7] * len(said))
    assert judge.asked == [(QUESTION, document) for document in DOCUMENTS]


def test_a_value_is_copied_from_its_document(one: Reader) -> None:
    said = heard(one, Scripted(*["value"] * len(DOCUMENTS)))
    for document, each in zip(DOCUMENTS, said, strict=True):
        assert each.tokens > 0
        assert each.probability <= 0.7
        assert each.value
        assert each.value in " ".join(document.split())
