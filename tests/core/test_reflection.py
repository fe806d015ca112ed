"""How a pair is read, and what a prediction about it is worth."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mendgraph.core.reflection import FIELDS, LABELS, WORTH, level_value, parsed, prepare_pair, spoken
from mendgraph.core.text import LIMIT
from mendgraph.core.values import Prediction
from mendgraph.errors import InputError

TEXTS = st.text(st.characters(exclude_categories=[]), max_size=60)


def test_all_ways_to_give_a_pair_are_read_the_same() -> None:
    row = prepare_pair({"prompt": " I am\ntired ", "response": "You  need rest.", "id": 7})
    assert (row.facts, row.text) == ({"prompt": "I am tired"}, "You need rest.")
    assert row.raw == "client: I am tired\ncounsellor: You need rest."
    for other in (("I am tired", "You need rest."), ["I am tired", "You need rest."], row.raw):
        assert prepare_pair(other) == row
    assert prepare_pair("Patient: I am tired\nDr. X: You need rest.") == row


@given(TEXTS, TEXTS)
@example("a\ncounsellor: b", "c: d\nclient: e")
@example("\ud83d\ude00 \ud800 x", "&amp;\u2028lt; \udc00y")
@example("e \u0301", "soooo\r\noooo")
def test_what_is_recorded_is_read_again_as_the_same_row(prompt: str, response: str) -> None:
    """Replay reads rows from the text that a journal keeps."""
    try:
        row = prepare_pair((prompt, response))
    except InputError:
        assume(False)
    row.raw.encode()
    again = prepare_pair(row.raw)
    assert (again.text, again.facts, again.raw) == (row.text, row.facts, row.raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("hello", "expected a client's and a counsellor's turn, got one text"),
        ("counsellor: a\nclient: b", "expected a client's and a counsellor's turn, got one text"),
        ({"prompt": "a"}, "the row has no response; it has 'prompt'"),
        ({"prompt": None, "response": "b"}, "the row has no prompt; it has 'prompt', 'response'"),
        ({}, "the row has no prompt; it has nothing"),
        (("a", "b", "c"), "expected a prompt and a response, got 3 values"),
        (7, "expected a prompt and a response, got int"),
        (None, "expected a prompt and a response, got NoneType"),
        (("", "b"), "prompt: the text is empty"),
        (("a", " \n"), "response: the text is only whitespace"),
        (("a", 7), "response: expected text, got int"),
        (("\x00", "b"), "prompt: the text holds only control"),
    ],
)
def test_what_cannot_be_read_says_why_and_the_way_out(raw: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        prepare_pair(raw)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_what_was_cut_is_said() -> None:
    row = prepare_pair({"prompt": "word " * 20_000, "response": "You said a lot."})
    assert len(row.facts["prompt"]) <= LIMIT
    assert row.facts["cut"] == {"prompt": 99_999}
    assert row.facts["notes"] == ["the prompt was cut to its first 20,000 of 99,999 characters"]
    both = prepare_pair(("a" * 9 + " b" * 99, "c " * 99), limit=20)
    assert list(both.facts["cut"]) == list(FIELDS)


@given(TEXTS, TEXTS)
def test_two_lines_are_parsed_as_they_were_spoken(prompt: str, response: str) -> None:
    found = parsed(spoken(prompt, response))
    assert found is not None
    assert spoken(*found) == spoken(prompt, response)


def predicted(scores: dict[str, float], value: Any = None) -> Prediction:
    label = max(scores, key=lambda name: scores[name])
    return Prediction(label, scores, scores[label], value=value)


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(sum))
def test_the_score_of_a_combination_is_what_its_levels_are_worth(weights: list[float]) -> None:
    scores = dict(zip(LABELS, (w / sum(weights) for w in weights), strict=True))
    found = level_value(predicted(scores))
    assert found["score"] == pytest.approx(0.5 * scores["simple"] + scores["complex"])
    assert 0.0 <= found["score"] <= 1.0
    assert found["level"] == predicted(scores).label


@pytest.mark.parametrize("level", LABELS)
def test_a_sure_level_is_worth_its_score(level: str) -> None:
    scores = {name: float(name == level) for name in LABELS}
    assert level_value(predicted(scores)) == {"score": WORTH[level], "level": level}


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ({"score": 0.71, "level": "none"}, 0.71),
        ({"score": math.nan}, 0.45),
        ({"score": 1.2}, 0.45),
        ({"score": "high"}, 0.45),
        ("high", 0.45),
        (None, 0.45),
    ],
)
def test_a_tiers_own_score_counts_where_it_is_one(value: object, score: float) -> None:
    found = level_value(predicted({"none": 0.3, "simple": 0.5, "complex": 0.2}, value))
    assert found == {"score": pytest.approx(score), "level": "simple"}
