"""Laws of whole-cluster emoji handling."""

from __future__ import annotations

import emoji
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core import emojis

CLUSTERS = sorted(
    key for key, data in emoji.EMOJI_DATA.items() if data["status"] == emoji.STATUS["fully_qualified"]
)
clusters = st.sampled_from(CLUSTERS)
pictures = st.text(st.characters(codec="utf-8", min_codepoint=0x200B, max_codepoint=0x1FAFF))
mixed = st.lists(
    st.one_of(
        clusters,
        st.text(max_size=5),
        pictures,
        st.sampled_from(["1", "\ufe0f", "\u20e3", "\u200d", "🇬", "🇧", "\ufe0e", "🏻", "©", ":)", " "]),
    )
).map("".join)


@given(mixed)
def test_words_leave_no_emoji(text: str) -> None:
    assert emojis.find(emojis.to_words(text)) == []


@given(clusters)
def test_every_known_cluster_is_found_whole_and_has_words(cluster: str) -> None:
    assert emojis.find(f"a {cluster} b") == [cluster]
    assert emojis.only_emoji(f" {cluster}!! ")
    words = emojis.name(cluster)
    assert "_" not in words
    assert ":" not in words
    assert "skin tone" not in words


@given(clusters, clusters)
def test_neighbours_do_not_melt(first: str, second: str) -> None:
    assert emojis.find(f"{first} {second}") == [first, second]


@given(mixed)
def test_only_emoji_needs_an_emoji_and_no_word(text: str) -> None:
    if emojis.only_emoji(text):
        assert emojis.find(text)
        assert not emojis.only_emoji(text + "a")


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "Z"))))
def test_plain_text_is_left_alone(text: str) -> None:
    assert emojis.to_words(text) == text or "X" in text.upper()
    assert not emojis.only_emoji(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I ❤️ you", "I red heart you"),
        ("I❤you", "I red heart you"),
        ("👍🏽👍🏿", "thumbs up thumbs up"),
        ("👨‍👩‍👧 home", "family man woman girl home"),
        ("👩🏽‍❤️‍💋‍👨🏻", "kiss woman man"),
        ("go 🇬🇧", "go United Kingdom"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "England"),
        ("press 1️⃣", "press keycap 1"),
        ("😂" * 40, "face with tears of joy face with tears of joy face with tears of joy"),
        ("👨‍🧌 here", "man troll here"),
        ("© 2024 ™", "© 2024 ™"),
        ("hi :) there :'(", "hi slightly smiling face there crying face"),
        ("i <3 you!", "i red heart you!"),
        ("x 5 <3 7 and http://a D:/music 12:00 f(x:) (see list:)",) * 2,
        ("10:30 :D.", "10:30 grinning face with smiling eyes ."),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert emojis.to_words(text) == expected


def test_canonical_drops_selector_and_tone() -> None:
    assert emojis.canonical("❤️") == "❤"
    assert emojis.canonical("👍🏽") == "👍"
    assert emojis.canonical("👩🏽‍❤️‍💋‍👨🏻") == "👩‍❤‍💋‍👨"
    assert emojis.canonical("🏻") == "🏻"


def test_ten_thousand_emoji() -> None:
    assert len(emojis.find("😀👍🏽" * 5_000)) == 10_000
    assert emojis.only_emoji("😀👍🏽" * 5_000)
    assert emojis.find(emojis.to_words("😀👍🏽" * 5_000)) == []
