"""Turns of a session: how they are read, joined and passed over."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mendgraph.core.conversation import Turn, exchanges, read_turns, transcript
from mendgraph.errors import DataError

SPEAKERS = st.sampled_from(["client", "therapist", "Mother", "patient", "Dr. X"])
TURNS = st.lists(st.tuples(SPEAKERS, st.sampled_from(["so", "well", "", " "])), max_size=12)


def test_turns_of_one_speaker_are_joined_and_only_answers_to_a_client_count() -> None:
    turns = read_turns(
        [
            ("Therapist", "Welcome."),
            ("Client", "I am sad"),
            ("client", " and tired."),
            ("Therapist", "You are sad."),
            ("Counselor", "So tired."),
            ("Patient", "Yes."),
        ]
    )
    [exchange] = exchanges(turns)
    assert (exchange.client, exchange.counsellor) == ((1, 2), (3, 4))
    assert (exchange.prompt, exchange.response) == ("I am sad and tired.", "You are sad. So tired.")


@given(TURNS)
def test_every_counsellor_turn_is_scored_at_most_once_and_after_its_client(
    given_turns: list[tuple[str, str]],
) -> None:
    try:
        turns = read_turns(given_turns)
    except DataError:
        assume(False)
    found = exchanges(turns)
    scored = [number for exchange in found for number in exchange.counsellor]
    asked = [number for exchange in found for number in exchange.client]
    assert len(scored) == len(set(scored))
    assert len(asked) == len(set(asked))
    assert not any(turns[number].note for number in scored + asked)
    for exchange in found:
        assert max(exchange.client) < min(exchange.counsellor)


def test_turns_that_cannot_be_used_keep_their_place_and_say_why() -> None:
    turns = read_turns(
        [
            {"speaker": "Client", "text": "I drink."},
            {"speaker": "Mother", "text": "He does."},
            {"speaker": "Client", "text": ""},
            {"speaker": None, "text": "hm"},
            {"speaker": "Therapist", "text": 7},
            Turn("Therapist", "It worries you."),
        ]
    )
    assert [turn.note for turn in turns] == [
        "",
        "left out: 'Mother' is neither client nor counsellor",
        "left out: the turn is empty",
        "left out: nobody is neither client nor counsellor",
        "left out: expected text, got int",
        "",
    ]
    [exchange] = exchanges(turns)
    assert (exchange.client, exchange.counsellor) == ((0,), (5,))


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([], "the conversation has no turns"),
        ([("Client", "a"), ("Patient", "b")], "only the client speaks in this conversation of 2 turns"),
        ([("Dr", "a"), ("Client", "")], "only the counsellor speaks in this conversation of 2 turns"),
        (
            [("Ann", "a"), ("Bob", "b"), ("Ann", "c")],
            "nobody in the conversation is known to be client or counsellor; its speakers: 'Ann', 'Bob'",
        ),
        ([{"who": "Client", "text": "a"}], "turn 1 has no 'speaker'; it has 'who', 'text'"),
        ([("Client", "a"), "hello"], "turn 2: expected a speaker and a text, got str"),
    ],
)
def test_what_is_no_conversation_says_why_and_the_way_out(turns: list[object], message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_turns(turns)
    assert caught.value.message == message
    assert caught.value.hint


def test_roles_can_be_told() -> None:
    turns = read_turns([("Ann", "a"), ("Bob", "b")], {"ann": "client", "bob": "counsellor"})
    assert len(exchanges(turns, {"ann": "client", "bob": "counsellor"})) == 1


def test_lines_of_a_transcript() -> None:
    turns = transcript(
        [
            "",
            "Client: I stopped",
            "for a week: it was hard.",
            "[00:12] **Therapist:** A week!",
            "0:00:15 Client : yes",
            "Mother: he did",
            "THERAPIST 2:",
            "You fought for it.",
        ]
    )
    assert turns == [
        Turn("Client", "I stopped for a week: it was hard."),
        Turn("Therapist", "A week!"),
        Turn("Client", "yes"),
        Turn("Mother", "he did"),
        Turn("THERAPIST 2", "You fought for it."),
    ]


def test_a_text_without_speakers_is_refused() -> None:
    with pytest.raises(DataError, match="line 2 of the conversation names no speaker: 'just a text'"):
        transcript(["", "just a text"])
    assert transcript([]) == []
