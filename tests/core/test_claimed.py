"""What documents claim, found by comparing words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.answers import same_answer
from mendgraph.core.claimed import claimed_in, fits, located, sentences_of, whole
from mendgraph.core.evidence import header_of
from mendgraph.training.conflict.claims.sets import claim_sets

SETS = list(claim_sets("dev", 150, seed=3))
TEXT = "[2019, city archive] The Ostra Bridge opened in 1931. It has 2 lanes! Did you know? Dr. Jane Bell drew it."


@given(st.text(max_size=80), st.text(max_size=200))
def test_places_lie_in_the_text_and_in_order(question: str, text: str) -> None:
    places = sentences_of(text)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    found = claimed_in(question, text)
    if found is not None:
        assert 0 <= found.start <= found.end <= len(text)
    for value in (question, "yes", "1912"):
        span = located(question, value, text)
        assert span is None or 0 <= span[0] < span[1] <= len(text)


def test_sentences_leave_out_the_header() -> None:
    shown = [TEXT[start:end] for start, end in sentences_of(TEXT)]
    assert shown[0] == "The Ostra Bridge opened in 1931."
    assert "Did you know?" in shown


@pytest.mark.parametrize("slot", ["date", "office", "quantity", "entity", "stance"])
def test_values_of_claim_sets_are_found_where_they_stand(slot: str) -> None:
    told = [
        (one.question, answer, document.text, span)
        for one in SETS
        if one.slot == slot
        for document, answer, span in zip(one.documents, one.answers, one.spans, strict=True)
        if answer is not None and span is not None
    ]
    found = [located(question, answer, text) for question, answer, text, _ in told]
    meeting = [
        place is not None and place[0] < span[1] and span[0] < place[1]
        for place, (_, _, _, span) in zip(found, told, strict=True)
    ]
    assert sum(meeting) >= (0.75 if slot == "stance" else 1.0) * len(told)


def test_claims_are_compared_without_a_model_better_than_by_chance() -> None:
    pairs = [
        (answer, claimed_in(one.question, document.text))
        for one in SETS
        for document, answer in zip(one.documents, one.answers, strict=True)
    ]
    right = [
        (said is None) == (answer is None)
        and (said is None or answer is None or same_answer(answer, said.value))
        for answer, said in pairs
    ]
    assert sum(right) >= 0.7 * len(pairs)


@pytest.mark.parametrize(
    ("question", "text", "value"),
    [
        ("When did the Ostra Bridge open?", TEXT, "1931"),
        ("How many lanes does the Ostra Bridge have?", "The Ostra Bridge has 2 lanes since 1990.", "2"),
        ("Who drew the Ostra Bridge?", "It was Jane Bell who drew the Ostra Bridge.", "Jane Bell"),
        ("Is the Ostra Bridge safe?", "The Ostra Bridge is not safe.", "no"),
        ("Going by the majority: Is the Ostra Bridge safe?", "The Ostra Bridge is safe.", "yes"),
        ("When did the Ostra Bridge open?", "The Elm Bridge opened in 1931.", None),
        ("When did the Ostra Bridge open?", "", None),
    ],
)
def test_the_value_is_of_the_kind_asked_for(question: str, text: str, value: str | None) -> None:
    found = claimed_in(question, text)
    assert (None if found is None else found.value) == value
    if found is not None and value not in ("yes", "no"):
        assert text[found.start : found.end] == value


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("5 km", "The walk is 5,000 metres long.", "5,000 metres"),
        ("14 May 1912", "It opened in 1912-05-14.", "1912-05-14"),
        ("J. Bell", "Drawn by Dr Jane Bell in haste.", "Dr Jane Bell"),
        ("bell tower", "The Bell Tower stands.", "Bell Tower"),
        ("1931", "1931: It opened in 1932.", None),
        ("", "Anything.", None),
    ],
)
def test_a_value_is_found_by_what_it_means(value: str, text: str, shown: str | None) -> None:
    span = located("When was it?", value, text)
    assert (None if span is None else text[span[0] : span[1]]) == shown
    if shown is None:
        assert header_of(text) or not value


@pytest.mark.parametrize(
    ("question", "value", "fitting"),
    [
        ("When did it open?", "May 1931", True),
        ("When did it open?", "in 1931", True),
        ("When did it open?", "Paris", False),
        ("How tall is it?", "300 m", True),
        ("How tall is it?", "Paris", False),
        ("Who drew it?", "Jane Bell", True),
        ("Who drew it?", "the", False),
        ("Who drew the Ostra Bridge?", "the Ostra Bridge", False),
        ("What is the capital of Australia?", "the capital", False),
        ("What is it made of?", "wood", True),
        ("Is it safe?", "yes", True),
        ("When did it open?", "yes", False),
    ],
)
def test_a_value_is_of_the_kind_asked_for_or_not(question: str, value: str, fitting: bool) -> None:
    assert fits(question, value) is fitting


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("Novak", "Peter Novak wrote the report.", "Peter Novak"),
        ("twelve", "With a staff of twelve thousand, it is large.", "twelve thousand"),
        ("Langfeld Works", "It was put up by Langfeld Works. There is a list.", "Langfeld Works"),
        ("Berta L. Randley", "The plans came from Berta L. Randley. A map is printed.", "Berta L. Randley"),
        ("Jane Bell", "Nobody knows.", None),
    ],
)
def test_a_part_of_a_value_is_told_in_full(value: str, text: str, shown: str | None) -> None:
    assert whole("Who or how many?", value, text) == shown
