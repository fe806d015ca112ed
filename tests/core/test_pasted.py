"""Documents that come as one text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.conflict import documents_of, prepare_question
from mendgraph.core.pasted import documents_in, paragraphs

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@given(st.lists(WORDS, min_size=1))
def test_a_list_is_read_back_however_it_was_written(texts: list[str]) -> None:
    assert documents_in(json.dumps(texts)) == texts
    assert documents_in(repr(texts)) == texts
    assert documents_in(f"  {json.dumps([{'text': text} for text in texts])}\n") == [
        {"text": t} for t in texts
    ]


@given(st.lists(WORDS, min_size=1), st.sampled_from(["\n\n", "\n \t\n", "\r\n\r\n", "\n\n\n\n"]))
def test_paragraphs_are_documents(texts: list[str], gap: str) -> None:
    assert paragraphs(f"\n{gap.join(texts)}{gap}") == texts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one line\nanother", ["one line\nanother"]),
        ("[2019, city archive] It opened.", ["[2019, city archive] It opened."]),
        ("[2019]", ["[2019]"]),
        ("['a' 'b'", ["['a' 'b'"]),
        ("[not, a, list]", ["[not, a, list]"]),
        ("[" * 20_000 + "]", ["[" * 20_000 + "]"]),
        (" \n\n ", []),
    ],
)
def test_any_other_text_stays_as_it_is(text: str, found: list[str]) -> None:
    assert documents_in(text) == found


def test_a_cell_of_a_table_is_a_list_of_documents() -> None:
    row = prepare_question({"question": "When?", "documents": "In 1931.\n\n[2003, newspaper] In 1927."})
    assert [(one.text, one.date) for one in documents_of(row)] == [
        ("In 1931.", None),
        ("[2003, newspaper] In 1927.", "2003"),
    ]
