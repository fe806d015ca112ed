"""What documents are heard to say: by the judge where there is one, else by the reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mendgraph.adapters.reader.heard import Heard
from mendgraph.adapters.reader.listener import Listener
from tests.readers import DOCUMENTS, QUESTION, models, reader


class Scripted:
    """Hears in every document its first word."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def hear(self, asked: Sequence[tuple[str, str]]) -> list[Heard]:
        self.asked += asked
        return [Heard(document.split()[0], 0.7) for _, document in asked]


def test_the_reader_alone_reads_every_document() -> None:
    one = reader(models()["llama"], longest=6)
    prompt = one.prompt(QUESTION, DOCUMENTS)
    [said] = Listener(one).hear([prompt], [QUESTION], [DOCUMENTS])
    assert [each.value for each in said] == one.values([prompt])[0]
    assert all(each.tokens > 0 for each in said)


def test_a_judge_hears_whole_documents_and_the_reader_nothing() -> None:
    one = reader(models()["llama"], longest=6)
    long = [f"{word} " * 900 for word in ("first", "second")]
    rows: list[Sequence[str]] = [DOCUMENTS, long]
    prompts = [one.prompt(QUESTION, row) for row in rows]
    judge: Any = Scripted()
    heard = Listener(one, judge).hear(prompts, [QUESTION, "Who?"], rows)
    assert judge.asked == [*((QUESTION, text) for text in DOCUMENTS), *(("Who?", text) for text in long)]
    assert [[each.value for each in row] for row in heard] == [[t.split()[0] for t in row] for row in rows]
    assert all(each.tokens == 0 for row in heard for each in row)
