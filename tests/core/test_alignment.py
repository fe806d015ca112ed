"""What stands in the place of what: laws of the figures, and what they see in sentences as people write them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.alignment import ALIGNED, aligned

TEXT = st.text(max_size=80)


def named(first: str, second: str, question: str = "") -> dict[str, float]:
    return dict(zip(ALIGNED, aligned(question, first, second), strict=True))


@given(TEXT, TEXT, TEXT)
def test_figures_are_finite_and_do_not_depend_on_the_order(question: str, first: str, second: str) -> None:
    found = aligned(question, first, second)
    assert len(found) == len(ALIGNED) == len(set(ALIGNED))
    assert all(math.isfinite(one) and one >= 0 for one in found)
    assert found == aligned(question, second, first)


@given(TEXT)
def test_a_text_replaces_nothing_in_itself(text: str) -> None:
    found = named(text, text)
    for name in (
        "a number for a number",
        "a name for a name",
        "a word for a word",
        "words left out",
        "words added",
    ):
        assert found[name] == 0.0


def test_one_thing_in_the_place_of_another_is_seen() -> None:
    text = "Anna Berg opened the hall in Vienna. It has 120 seats."
    assert named("The hall has 140 seats.", text)["numbers of the shorter that the longer lacks"] > 0
    assert named("Anna Berg opened the hall in Oslo.", text)["a name for a name"] > 0
    assert named("Anna Berg closed the hall in Vienna.", text)["a word for a word"] > 0
    assert named("Anna Berg never opened the hall.", text)["one of the sentences most alike denies"] == 1.0
    assert (
        named("The hall in Vienna was opened by Anna Berg.", text)[
            "names of the shorter that the longer lacks"
        ]
        == 0
    )


def test_units_do_not_disagree_and_other_values_do() -> None:
    name = "amounts of the sentences most alike disagree"
    assert named("The tower is 312 m high.", "The old tower is 1,024 feet high.")[name] == 0.0
    assert named("The tower is 312 m high.", "The old tower is 1,324 feet high.")[name] == 1.0


def test_only_the_sentence_that_the_question_is_about_counts_near_it() -> None:
    question = "Who opened the hall?"
    found = named(
        "Anna Berg opened the hall. It rained.", "The hall was opened by Clara Holm. It rained.", question
    )
    assert found["names near the question in both"] == 0.0
    assert found["something near the question in one alone"] > 0
