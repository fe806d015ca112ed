"""Reading prompts: nothing of them is lost, their terms are checked, and what is shown reads back the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mendgraph.core.prompts import OPTIONS, parsed, prepare_prompt, prompt_of, spoken
from mendgraph.core.values import Input
from mendgraph.errors import InputError

options = st.fixed_dictionaries(
    {},
    optional={
        "max_cost": st.floats(0, 10),
        "lambda": st.floats(0, 1e4),
        "max_latency_s": st.floats(0, 60),
        "down": st.lists(st.text("abc", min_size=1), min_size=1),
    },
)


def readable(raw: object) -> Input:
    try:
        return prepare_prompt(raw)
    except InputError:
        assume(False)
        raise


@given(st.text(), options)
def test_what_is_shown_can_be_given_again_and_is_read_the_same(prompt: str, terms: dict[str, Any]) -> None:
    row = readable({"prompt": prompt, **terms})
    again = prepare_prompt(row.raw)
    assert (again.text, again.raw) == (row.text, row.raw)
    assert {n: again.facts.get(n) for n in OPTIONS} == {n: terms.get(n) for n in OPTIONS}
    assert prompt_of(row.raw)[:20_000] == row.text


@given(st.text())
def test_a_text_is_its_own_prompt_unless_it_is_a_row_as_json(prompt: str) -> None:
    assume(parsed(prompt) is None)
    assert spoken(prompt) == prompt


def test_line_breaks_code_and_links_stay() -> None:
    code = "Fix this:\n\tfor i in range(3):\n\t\tprint(i)  # see https://example.org &amp; ====="
    assert prepare_prompt(code).text == code


def test_a_prompt_that_looks_like_a_row_stays_a_prompt() -> None:
    prompt = json.dumps({"prompt": "inner", "max_cost": 1})
    row = prepare_prompt({"prompt": prompt})
    assert row.text == prompt
    assert prepare_prompt(row.raw) == row


def test_cells_of_tables_are_read() -> None:
    row = prepare_prompt(
        {"prompt": "hello", "max_cost": "0.5", "lambda": "", "max_latency_s": None, "down": "a, b"}
    )
    assert row.facts == {"tokens": 2, "max_cost": 0.5, "down": ["a", "b"]}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("  ", "only whitespace"),
        (3, "expected a prompt, got int"),
        ({}, "it has nothing"),
        ({"text": "a"}, "has no prompt; it has 'text'"),
        ({"prompt": 3}, "expected text, got int"),
        ({"prompt": "a", "budget": 1}, "has 'budget', which no prompt takes"),
        ({"prompt": "a", "max_cost": -1}, "max_cost: expected a number of at least 0, got -1"),
        ({"prompt": "a", "lambda": "much"}, "lambda: expected a number"),
        ({"prompt": "a", "lambda": True}, "lambda: expected a number"),
        ({"prompt": "a", "max_latency_s": float("nan")}, "max_latency_s: expected a number"),
        ({"prompt": "a", "down": [1]}, "down: expected names of LLMs"),
    ],
)
def test_what_cannot_be_read_says_why(raw: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        prepare_prompt(raw)


def test_a_long_prompt_is_cut_for_the_tiers_and_paid_for_in_full() -> None:
    row = prepare_prompt("word " * 10_000)
    assert len(row.text) == 20_000
    assert row.facts["tokens"] == 12_500
    assert row.facts["notes"] == ["the router read the first 20,000 of 50,000 characters"]
    assert len(prompt_of(row.raw)) == 50_000


def test_surrogates_and_controls_do_no_harm() -> None:
    row = prepare_prompt("a\ud83d\ude00b\ud800\x00c")
    assert row.text == "a😀bc"
    row.raw.encode()
