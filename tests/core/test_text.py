"""Laws of text cleaning."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.text import LIMIT, clean, simplify
from mendgraph.errors import ConfigError, InputError

FRAGMENTS = (
    "so", "oooooo", "!!!!!!", "&amp;", "amp;", "lt;", "&#39;", "&nbsp;", "&", "http://", "https://x.y/z",
    "www.", "wwwww.", "@", "@user", "@bob", "_", "\u0301", "\u0338", "é", "e", "\u20d2", " ", "\u00a0", "\n",
    "\x00", "\ud83d", "\ude00", "\u202e", "\u200d", "\u200b", "\ufe0f", "❤", "😀", "👍🏽", "=", "<", ";",
    "\u037e", "1111", "一一一一", "ᄀ", "ᅡ", ".", "s",
)  # fmt: skip
messy = st.one_of(
    st.text(st.characters(codec=None, exclude_categories=())),
    st.lists(st.sampled_from(FRAGMENTS)).map("".join),
)


def cleaned(text: str, limit: int = LIMIT) -> str | None:
    try:
        return clean(text, limit=limit).text
    except InputError:
        return None


@given(messy, st.integers(16, 60))
def test_clean_is_idempotent_and_keeps_the_limit(text: str, limit: int) -> None:
    once = cleaned(text, limit)
    if once is not None:
        assert cleaned(once, limit) == once
        assert 0 < len(once) <= limit


@given(messy)
def test_the_result_is_one_normal_line_without_control_characters(text: str) -> None:
    once = cleaned(text)
    if once is not None:
        assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in once)
        assert unicodedata.is_normalized("NFC", once)
        assert once == " ".join(once.split())
        once.encode("utf-8")


@given(st.one_of(st.none(), st.integers(), st.floats(), st.binary(), st.lists(st.text())))
def test_whatever_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=f"expected text, got {type(value).__name__}"):
        clean(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the text is empty"),
        (" \t\n\u2003", "only whitespace"),
        ("\x00\x01", "control or formatting"),
        ("\u200d\ufe0f\u202e", "control or formatting"),
        ("\ud800", "control or formatting"),
        ("&nbsp;&nbsp;", "control or formatting"),
    ],
)
def test_nothing_to_read_is_refused_with_a_way_out(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        clean(text)
    assert "at least one word or emoji" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("soooooo gooood!!!!!!", "sooo goood!!!"),
        ("good book, 1000000 times", "good book, 1000000 times"),
        ("look https://a.b/c?d=1&e=2 now", "look http now"),
        ("see www.example.org/x.", "see http"),
        ("@bob_1 and a@b.org @ 5", "@user and a@b.org @ 5"),
        ("fish &amp; chips &lt;3 it&#39;s &amp;amp;quot;", "fish & chips <3 it's \""),
        ("cafe\u0301\u00a0 \n bar", "café bar"),
        ("\u202eabc\u202c \u200bdef\x00", "abc def"),
        ("\ud83d\ude00 hi", "😀 hi"),
        ("\U0001fae8", "\U0001fae8"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("😀😀😀😀😀", "😀😀😀😀😀"),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert clean(text).text == expected


def test_facts_count_what_was_removed() -> None:
    assert clean("a\ud800b\x00\x01c\u202ed").facts == {"surrogates": 1, "controls": 2, "bidi": 1}
    assert clean("plain text").facts == {}


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    result = clean("word " * 200_000)
    assert len(result.text) <= LIMIT
    assert result.facts == {"cut": 999_999}


def test_one_megabyte_of_every_hard_case_is_answered() -> None:
    for unit in (
        "!",
        "a",
        "@",
        "&amp;",
        "\u0301",
        "x\u0301",
        "http://",
        "www.",
        "@a\u0301",
        "\ud83d",
        "é ",
        "😀",
    ):
        text = "x" + unit * (1_000_000 // len(unit))
        assert 0 < len(clean(text).text) <= LIMIT


def test_a_limit_too_small_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="at least 16 characters, got 3"):
        clean("hello", limit=3)


@given(st.text())
def test_simplify_ignores_case_and_punctuation(text: str) -> None:
    assert simplify(simplify(text)) == simplify(text)
    if simplify(text).isalnum():
        assert simplify(f"  {text}!!! ") == simplify(text)


def test_texts_of_emoji_are_not_all_duplicates() -> None:
    assert simplify("😀 😀") == simplify("😀😀") != simplify("😡")
