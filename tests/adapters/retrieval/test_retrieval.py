"""Documents from files, without duplicates, found by BM25 or by somebody else's retriever."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.retrieval import (
    Bm25Retriever,
    ForeignRetriever,
    Retriever,
    read_documents,
    without_duplicates,
)
from mendgraph.adapters.retrieval.passages import LONGEST, passages
from mendgraph.core.conflict import Document
from mendgraph.errors import BadOutput, DataError, OutOfMemory

BRIDGE = [
    Document("a", "The Varn Bridge was opened in 1987."),
    Document("b", "The Varn Bridge was opened in 1989."),
    Document("c", "the varn bridge was opened in 1987!"),
    Document("d", "Cats sleep a lot."),
]


@given(st.lists(st.text(max_size=40), max_size=20))
def test_leaving_duplicates_out_is_stable_and_keeps_order(texts: list[str]) -> None:
    documents = [Document(str(n), text) for n, text in enumerate(texts)]
    kept = without_duplicates(documents)
    assert without_duplicates(kept) == kept
    assert [one for one in documents if one in kept] == kept
    assert bool(kept) == bool(documents)


def test_texts_that_differ_in_a_number_a_name_or_a_denial_are_kept() -> None:
    long = "it is said by many people that the bridge was opened on a fine and sunny day by the mayor of the town"
    texts = [
        long,
        f"{long} indeed",
        f"{long} 1987",
        f"{long} 1989",
        f"{long} Varn",
        f"{long} Holm",
        f"{long} not",
    ]
    kept = [one.id for one in without_duplicates([Document(str(n), text) for n, text in enumerate(texts)])]
    assert kept == ["0", "2", "3", "4", "5", "6"]


def test_the_closest_come_first_and_nothing_comes_that_shares_no_word() -> None:
    index = Bm25Retriever(BRIDGE)
    assert isinstance(index, Retriever)
    assert [one.id for one in index.documents] == ["a", "b", "d"]
    assert [one.id for one in index.retrieve("When was the Varn Bridge opened?", 10)] == ["a", "b"]
    assert [one.id for one in index.retrieve("1989 Varn", 1)] == ["b"]
    for nothing in ("", "zzz", "the of a", "?"):
        assert index.retrieve(nothing, 5) == []
    assert index.retrieve("Varn", 0) == []


def test_an_index_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="0 documents without a word"):
        Bm25Retriever([])


@given(st.text(max_size=4000))
def test_passages_hold_every_word_and_are_short(text: str) -> None:
    found = passages(text, 300)
    assert all(0 < len(one) <= 300 for one in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_a_folder_a_table_and_lines_are_read(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "one.md").write_text("[2019, newspaper] It opened in 1987.", encoding="utf-8")
    (tmp_path / "long.txt").write_text("\n\n".join(["word " * 100] * 6), encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    rows = [{"text": "It opened in 1989.", "id": "x", "date": "2001", "reliability": 0.5}, {"text": "  "}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    pq.write_table(
        pa.table({"text": ["It opened in 1991."], "source": ["court record"]}), tmp_path / "t.parquet"
    )
    found = {one.id: one for one in read_documents(tmp_path)}
    assert found["deep/one.md"].date == "2019"
    assert found["x"] == Document("x", "It opened in 1989.", "2001", None, 0.5)
    assert found["t.parquet#1"].reliability == 0.95
    parts = [one for name, one in found.items() if name.startswith("long.txt#")]
    assert len(parts) == 3
    assert all(len(one.text) <= LONGEST for one in parts)
    assert Bm25Retriever.open(tmp_path / "rows.jsonl").retrieve("opened", 3)[0].id == "x"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing", None, "no documents at"),
        ("empty", "", "no documents in"),
        ("a.pdf", "x", "is no kind of document"),
        ("a.jsonl", '{"body": "x"}', "row 1: no column 'text'; it has 'body'"),
        ("a.jsonl", "{", "line 1: no JSON"),
        ("a.jsonl", '{"text": "x", "date": "soon"}', "row 1: document 1: 'soon' is no date"),
        ("a.parquet", "x", "no readable parquet file"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    path = tmp_path / name
    if content == "":
        path.mkdir()
    elif content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_documents(path)


class Asked:
    """What LangChain's retrievers look like from outside."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def invoke(self, input: str, /) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_a_foreign_retriever_brings_what_its_metadata_say() -> None:
    given_documents = [
        SimpleNamespace(
            page_content="It opened in 1987.", metadata={"source": "court record", "date": "2001"}
        ),
        SimpleNamespace(page_content="It opened in 1989.", metadata={"date": "one day"}, id="b"),
        SimpleNamespace(page_content=" ", metadata={}),
        "It opened in 1987!",
    ]
    found = ForeignRetriever(Asked(given_documents)).retrieve("When?", 5)
    assert found == [
        Document("r1", "It opened in 1987.", "2001", "court record", 0.95),
        Document("b", "It opened in 1989."),
    ]
    assert ForeignRetriever(Asked(given_documents)).retrieve("When?", 1) == found[:1]


def test_a_foreign_retriever_that_breaks_is_named() -> None:
    with pytest.raises(BadOutput, match="returned int"):
        ForeignRetriever(Asked([3])).retrieve("When?")
    with pytest.raises(OutOfMemory):
        ForeignRetriever(Asked(MemoryError())).retrieve("When?")
