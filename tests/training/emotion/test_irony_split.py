"""Laws of the irony split."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.training.emotion.dedupe import text_key
from mendgraph.training.emotion.irony import IronyRow, IronySplit, split_irony
from mendgraph.training.emotion.sources import Irony

names = st.integers(0, 40).map(lambda number: f"text {number}")
pairs = st.builds(Irony, names, st.integers(0, 1), st.one_of(st.none(), names))


def both(split: IronySplit) -> list[IronyRow]:
    return split.train + split.dev


@given(st.lists(pairs, max_size=60), st.sets(names, max_size=5))
def test_no_text_stands_twice_nor_in_an_evaluation_set(rows: list[Irony], evaluation: set[str]) -> None:
    forbidden = {text_key(text) for text in evaluation}
    keys = [text_key(row.text) for row in both(split_irony(rows, forbidden=forbidden))]
    assert len(keys) == len(set(keys))
    assert not set(keys) & forbidden


@given(st.lists(pairs, max_size=60))
def test_a_tweet_and_its_rephrasing_share_the_split(rows: list[Irony]) -> None:
    split = split_irony(rows)
    assert not {row.group for row in split.train} & {row.group for row in split.dev}


@given(st.lists(pairs, max_size=60))
def test_a_tweet_keeps_its_own_label_and_a_rephrasing_is_never_ironic(rows: list[Irony]) -> None:
    given_labels = {(row.text, row.irony) for row in rows}
    for row in both(split_irony(rows)):
        assert row.irony == 0 if row.kind == "rephrase" else (row.text, row.irony) in given_labels


def test_ten_percent_of_each_label_is_dev() -> None:
    rows = [Irony(f"said {number}", int(number < 100), f"meant {number}") for number in range(400)]
    split = split_irony(rows)
    assert sum(row.irony for row in split.dev) == 10
    assert len([row for row in split.dev if row.kind == "tweet"]) == 40
    assert split_irony(rows[::-1]).dev != []
    assert {row.text for row in split_irony(rows[::-1]).dev} == {row.text for row in split.dev}


def test_contradictions_are_dropped_and_counted() -> None:
    split = split_irony([Irony("Great!", 1), Irony("great", 0), Irony("fine", 0), Irony("\x00", 1)])
    assert [row.text for row in both(split)] == ["fine"]
    assert split.conflicting == 1
