"""Pieces of text: together they are the whole, whatever the bytes, and no stop slips through."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.adapters.causal.text_stream import TextStream, cut_at_stop, settled_length
from tests import languages

VOCABULARY = languages.vocabulary()
WORDS = st.text(st.sampled_from("ab é日😀.\n"), max_size=30)
STOPS = st.lists(st.text("ab", min_size=1, max_size=4), max_size=3)


def streamed(ids: list[int]) -> list[str]:
    stream = TextStream(VOCABULARY)
    return [stream.next(ids[: n + 1], last=n + 1 == len(ids)) for n in range(len(ids))]


@given(WORDS)
def test_pieces_make_up_the_text(text: str) -> None:
    ids = VOCABULARY.encode(text)
    pieces = streamed(ids)
    assert "".join(pieces) == VOCABULARY.decode(ids)
    assert "\ufffd" not in "".join(pieces)


@given(st.lists(st.integers(0, languages.VOCABULARY - 1), min_size=1, max_size=60))
def test_broken_bytes_are_not_waited_for_for_ever(ids: list[int]) -> None:
    stream = TextStream(VOCABULARY)
    for count in range(1, len(ids) + 1):
        stream.next(ids[:count])
        assert count - stream.start <= 48


@given(WORDS, st.integers(0, 40), WORDS)
def test_tokens_without_a_text_are_no_hindrance(before: str, count: int, after: str) -> None:
    ids = [*VOCABULARY.encode(before), *[1] * count, *VOCABULARY.encode(after)]
    assert "".join(streamed(ids)) == before + after


@given(st.text("abc", max_size=30), STOPS)
def test_text_that_is_given_out_is_never_cut(text: str, stops: list[str]) -> None:
    given_out = 0
    for length in range(len(text) + 1):
        cut = cut_at_stop(text[:length], stops, max(0, length - 1))
        assert cut == min((text[:length].find(stop) for stop in stops if stop in text[:length]), default=None)
        if cut is not None:
            assert given_out <= cut
            return
        given_out = settled_length(text[:length], stops)
        assert given_out <= length
