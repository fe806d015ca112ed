"""Questions with documents: what is read, what is refused, and that a row survives being written out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.conflict import (
    DOCUMENT_LIMIT,
    MOST_DOCUMENTS,
    Document,
    documents_of,
    parsed,
    prepare_question,
    read_document,
)
from mendgraph.errors import InputError

TEXT = st.text(min_size=1, max_size=80).filter(lambda text: any(c.isalnum() and c.isascii() for c in text))


@given(TEXT, st.lists(TEXT, min_size=1, max_size=4))
def test_a_row_written_out_is_read_the_same(question: str, documents: list[str]) -> None:
    row = prepare_question({"question": question, "documents": documents})
    again = prepare_question(row.raw)
    assert (again.text, documents_of(again)) == (row.text, documents_of(row))
    assert again.raw == row.raw
    assert len(documents_of(row)) == len(documents)
    json.dumps(row.to_dict())


def test_other_names_and_kinds_of_documents_are_understood() -> None:
    row = prepare_question(
        {
            "query": "When did it open?",
            "docs": [
                "In 1987.",
                {"text": "In 1989.", "id": "b", "date": "14 May 2001", "source": "city newspaper"},
                Document("c", "In 1990.", "2003", None, 0.4),
            ],
        }
    )
    assert documents_of(row) == [
        Document("d1", "In 1987."),
        Document("b", "In 1989.", "2001-05-14", "city newspaper", 0.6),
        Document("c", "In 1990.", "2003", None, 0.4),
    ]


@pytest.mark.parametrize(
    ("text", "date", "source", "reliability"),
    [
        ("[2017 | land registry] It opened.", "2017", "land registry", 0.95),
        ("[May 2013, newspaper, reliability 0.5] It opened.", "2013-05", "newspaper", 0.5),
        ("travel magazine, 2020-06-01: It opened.", "2020-06-01", "travel magazine", 0.4),
        ("It opened in 1987: everybody came.", None, None, None),
        ("Note: it opened.", None, None, None),
    ],
)
def test_headers_say_where_a_text_comes_from(
    text: str, date: str | None, source: str | None, reliability: float | None
) -> None:
    found = read_document(text)
    assert (found.text, found.date, found.source, found.reliability) == (text, date, source, reliability)


def test_equal_ids_are_told_apart() -> None:
    row = prepare_question({"question": "Why?", "documents": [{"text": "x", "id": "a"}] * 3})
    assert [one.id for one in documents_of(row)] == ["a", "a-2", "a-3"]


def test_what_is_too_much_is_cut_and_told() -> None:
    row = prepare_question(
        {"question": "Why?", "documents": ["x" * (DOCUMENT_LIMIT + 1)] * (MOST_DOCUMENTS + 9)}
    )
    assert len(documents_of(row)) == MOST_DOCUMENTS
    assert all(len(one.text) == DOCUMENT_LIMIT for one in documents_of(row))
    assert f"the first {MOST_DOCUMENTS} of {MOST_DOCUMENTS + 9} documents are read" in row.facts["notes"]
    assert any("was cut to its first 20,000" in note for note in row.facts["notes"])


def test_documents_may_be_looked_for_later() -> None:
    assert documents_of(prepare_question("When did it open?", may_retrieve=True)) == []
    assert documents_of(prepare_question({"question": "When?"}, may_retrieve=True)) == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("When did it open?", "expected a question with documents, got one text"),
        (7, "got int"),
        ({"documents": ["a"]}, "the row has no question; it has 'documents'"),
        ({"question": "  ", "documents": ["a"]}, "question: "),
        ({"question": "Why?"}, "there are no documents to compare"),
        ({"question": "Why?", "documents": []}, "there are no documents to compare"),
        ({"question": "Why?", "documents": " \n"}, "there are no documents to compare"),
        ({"question": "Why?", "documents": 3}, "documents: expected a list, got int"),
        ({"question": "Why?", "documents": ["a", " \x00 "]}, "document 2 is empty"),
        ({"question": "Why?", "documents": [3]}, "document 1: expected a text, got int"),
        ({"question": "Why?", "documents": [{"text": "a", "date": "soon"}]}, "'soon' is no date"),
        ({"question": "Why?", "documents": [{"text": "a", "reliability": 2}]}, "reliability 2 is no number"),
    ],
)
def test_what_cannot_be_read_says_why(raw: Any, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        prepare_question(raw)


def test_only_rows_are_taken_for_rows() -> None:
    assert parsed('{"question": "a", "documents": []}') == {"question": "a", "documents": []}
    assert parsed('{"answer": 3}') is None
    assert parsed("{no json") is None
