"""Prompts: everything in its place, and what does not fit is cut and told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.reader.prompt import ANSWER, compose
from mendgraph.errors import ConfigError
from tests.readers import DOCUMENTS, QUESTION, codec

CODEC = codec()


def test_spans_are_the_documents_own_tokens() -> None:
    prompt = compose(CODEC, QUESTION, DOCUMENTS, 1000)
    assert prompt.cut == ()
    for text, (first, last) in zip(DOCUMENTS, prompt.spans, strict=True):
        assert CODEC.decode(prompt.ids[first:last]).strip() == text
    assert CODEC.decode(prompt.ids) == (
        f"Question: {QUESTION}\n(1) {DOCUMENTS[0]}\n(2) {DOCUMENTS[1]}\n(3) {DOCUMENTS[2]}\n{ANSWER}"
    )
    assert CODEC.decode(prompt.ids[-prompt.cue :]) == ANSWER


def test_line_breaks_in_documents_do_not_look_like_new_ones() -> None:
    prompt = compose(CODEC, "a\nb", ["one\n(2) two"], 1000)
    assert CODEC.decode(prompt.ids) == f"Question: a b\n(1) one (2) two\n{ANSWER}"


def test_the_longest_document_is_cut_first_and_said() -> None:
    prompt = compose(CODEC, QUESTION, ["short", "the cat sat on the mat " * 40], 120)
    assert len(prompt.ids) <= 120
    first, last = prompt.spans[0]
    assert CODEC.decode(prompt.ids[first:last]) == " short"
    assert len(prompt.cut) == 1
    assert prompt.cut[0].startswith("document 2 lost its last ")


def test_five_hundred_documents_keep_the_first() -> None:
    prompt = compose(CODEC, QUESTION, ["the cat sat on the mat " * 10] * 500, 300)
    kept = [last > first for first, last in prompt.spans]
    assert kept == sorted(kept, reverse=True)
    assert 1 < sum(kept) < 500
    assert prompt.cut[0] == f"documents {sum(kept) + 1} to 500 were left out"


@given(
    st.text(max_size=400),
    st.lists(st.text(max_size=300), max_size=12),
    st.integers(64, 400),
)
def test_never_longer_than_its_room(question: str, documents: list[str], room: int) -> None:
    prompt = compose(CODEC, question, documents, room)
    assert len(prompt.ids) <= room
    assert len(prompt.spans) == len(documents)
    assert all(0 <= first <= last <= len(prompt.ids) for first, last in prompt.spans)
    lost = len(compose(CODEC, question, documents, 100_000).ids) > len(prompt.ids)
    assert lost == bool(prompt.cut)


def test_a_context_too_small_for_anything_is_refused() -> None:
    with pytest.raises(ConfigError, match="20 tokens are no room for documents"):
        compose(CODEC, QUESTION, DOCUMENTS, 20)
