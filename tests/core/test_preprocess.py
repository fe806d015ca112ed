"""One row, from raw to what the tiers read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.preprocess import MOST_EMOJI_LISTED, prepare
from mendgraph.core.text import LIMIT
from mendgraph.errors import InputError


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_every_row_is_plain_data_that_can_be_stored(text: str) -> None:
    try:
        row = prepare(text)
    except InputError:
        return
    assert row.text
    json.dumps([row.text, row.raw, dict(row.facts)], ensure_ascii=False).encode("utf-8")


def test_a_plain_row() -> None:
    row = prepare("  I'm so happy today! ")
    assert (row.text, row.raw, row.facts) == (
        "I'm so happy today!",
        "  I'm so happy today! ",
        {"emoji_only": False},
    )


def test_emoji_become_words_and_facts() -> None:
    row = prepare("so tired 😩")
    assert row.text == "so tired weary face"
    assert row.facts == {"emoji_only": False, "emoji": ["😩"], "emoji_count": 1}
    assert prepare("😡👍🏽!!").facts == {"emoji_only": True, "emoji": ["😡", "👍🏽"], "emoji_count": 2}


def test_ten_thousand_emoji_stay_small() -> None:
    row = prepare("😀😡" * 5_000)
    assert row.facts["emoji_only"] is True
    assert row.facts["emoji_count"] == 10_000
    assert len(row.facts["emoji"]) == MOST_EMOJI_LISTED
    assert len(row.text) <= LIMIT
    assert row.facts["cut"] > LIMIT


def test_a_row_that_cannot_be_read_says_why() -> None:
    with pytest.raises(InputError, match="expected text, got int"):
        prepare(7)


def test_surrogates_in_the_raw_text_become_question_marks() -> None:
    row = prepare("bad\ud800 text")
    assert row.raw == "bad? text"
    assert row.facts["surrogates"] == 1
