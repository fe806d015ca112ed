"""A question whose documents are given bit by bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.cli.draft import GO, Draft

LINE = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1).filter(
    lambda text: text != GO
)
DOCUMENTS = st.lists(st.lists(LINE, min_size=1, max_size=3), min_size=1, max_size=4)


@given(DOCUMENTS)
def test_lines_documents_and_pasted_lots_come_to_the_same(documents: list[list[str]]) -> None:
    whole = ["\n".join(lines) for lines in documents]
    by_line, by_document, pasted = Draft("Why?"), Draft("Why?"), Draft("Why?")
    for lines in documents:
        assert not any(by_line.take(line) for line in (*lines, ""))
        assert not by_document.take("\n".join(lines) + "\n\n")
    assert not pasted.take("\n\n".join(whole))
    assert by_line.take("")
    assert by_document.take(GO)
    assert not pasted.take("")  # it ends the last document
    assert pasted.take("")
    assert by_line.row() == by_document.row() == pasted.row() == {"question": "Why?", "documents": whole}
    together = Draft.of("\n\n".join(["Why?", *whole]))
    assert together is not None
    assert together.row() == pasted.row()


def test_nothing_is_asked_without_a_document() -> None:
    draft = Draft("Why?")
    assert not any(draft.take(sent) for sent in ("", " ", GO))
    assert Draft.of(" \n\n ") is None


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        ([], ("document 1", "")),
        (["a"], ("document 1", "Enter alone ends it")),
        (["a", ""], ("document 2", "Enter alone asks")),
        (["a\n\nb"], ("document 2", "Enter alone ends it")),
    ],
)
def test_the_hint_says_what_an_empty_line_does(sent: list[str], hint: tuple[str, str]) -> None:
    draft = Draft("Why?")
    for one in sent:
        draft.take(one)
    assert draft.hint() == hint
