"""The reflection graph's face: scores, rewards, sessions, agents."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from mendgraph.core.conversation import Turn
from mendgraph.core.reflection import LABELS
from mendgraph.errors import DataError, InputError
from mendgraph.testing import Failing, Scripted
from tests.cascades import pair_cascade

approx = partial(pytest.approx, abs=1e-6)


def by_length(text: str) -> tuple[str, float]:
    return "complex" if len(text) > 12 else "simple" if len(text) > 6 else "none", 1.0


def graph(**more: Any) -> Any:
    return pair_cascade({"primary": Scripted(by_length, labels=LABELS)}, **more)


SHORT, MEDIUM, LONG = "Why?", "You drink.", "You drink, and it frightens you."


def test_scores_are_in_order_and_one_is_as_many() -> None:
    scores = graph().score_batch(["a", "b", "c"], [LONG, SHORT, MEDIUM])
    assert scores == approx([1.0, 0.0, 0.5])
    assert [graph().score_pair("a", text) for text in (LONG, SHORT, MEDIUM)] == approx(scores)
    assert graph().score_batch([], []) == []


def test_an_unsure_answer_has_a_score_all_the_same() -> None:
    assert graph(thresholds={"default": 1.1}).score_pair("a", MEDIUM) == approx(0.5)


def test_rewards_are_absolute_or_relative_to_an_earlier_response() -> None:
    scorer = graph()
    assert scorer.score_absolute("I drink.", [LONG, SHORT]) == approx([1.0, 0.0])
    assert scorer.score_absolute(["a", "b"], [LONG, SHORT]) == approx([1.0, 0.0])
    assert scorer.score_relative("I drink.", [LONG, SHORT], [SHORT, MEDIUM]) == approx([1.0, -0.5])
    assert scorer.score_relative(["a", "b"], [MEDIUM, LONG], [SHORT, LONG]) == approx([0.5, 0.0])


def test_rewards_are_made_in_one_pass() -> None:
    tier = Scripted(by_length, labels=LABELS)
    calls: list[int] = []
    plain = tier.predict
    tier.predict = lambda rows: calls.append(len(rows)) or plain(rows)  # type: ignore[method-assign,func-returns-value]
    pair_cascade({"primary": tier}).score_relative("a", [LONG] * 5, [SHORT] * 5)
    assert calls == [10]


def test_a_row_without_a_score_is_an_error_or_worth_what_the_caller_says() -> None:
    with pytest.raises(InputError, match=r"row 1 has no score: response: the text is empty \(otherwise=0.0"):
        graph().score_absolute("a", [LONG, ""])
    assert graph().score_absolute("a", [LONG, ""], otherwise=0.0) == approx([1.0, 0.0])
    with pytest.raises(InputError, match="row 0 has no score: no tier could answer"):
        pair_cascade({"primary": Failing()}).score_pair("a", "b")


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="1 prompts but 2 responses"):
        graph().score_batch(["a"], ["b", "c"])
    with pytest.raises(InputError, match="1 new responses but 2 old ones"):
        graph().score_relative("a", ["b"], ["b", "c"])


SESSION = [
    ("Therapist", "Welcome."),
    ("Client", "I drink."),
    ("Client", "A lot."),
    ("Therapist", "You drink"),
    ("Therapist", "a lot, and it frightens you."),
    ("Mother", "It does."),
    ("Client", "Yes."),
    ("Therapist", "Why?"),
    ("Client", "word " * 20_000),
    ("Therapist", ""),
    ("Therapist", "You talk."),
]


def test_a_session_turn_by_turn() -> None:
    report = graph().score_conversation(SESSION)
    assert [None if turn.score is None else round(turn.score, 6) for turn in report.turns] == [
        None, None, None, 1.0, 1.0, None, None, 0.0, None, None, 0.5,
    ]  # fmt: skip
    assert [turn.shared for turn in report.turns if turn.shared] == [(4, 5), (4, 5)]
    assert {turn.number: turn.note for turn in report.turns if turn.note} == {
        1: "not scored: no client's turn before it",
        6: "left out: 'Mother' is neither client nor counsellor",
        10: "left out: the turn is empty",
        11: "the prompt was cut to its first 20,000 of 99,999 characters",
    }
    assert [turn.number for turn in report.scored] == [4, 8, 11]
    assert [answer.input.splitlines()[0] for answer in report.answers][:2] == [
        "client: I drink. A lot.",
        "client: Yes.",
    ]
    assert report.summary() == {
        "turns": 11,
        "exchanges": 3,
        "scored": 3,
        "failed": 0,
        "unsure": 0,
        "mean_score": approx(0.5),
        "levels": {"none": 1, "simple": 1, "complex": 1},
        "reflections": approx(2 / 3),
        "complex_share": approx(0.5),
    }


def test_a_session_as_plain_data() -> None:
    found = graph().score_conversation([{"speaker": "Patient", "text": "I drink."}, Turn("Dr", "You drink.")])
    first, second = found.to_dict()["turns"]
    assert (first["role"], first["score"], first["status"]) == ("client", None, None)
    assert (second["turn"], second["role"], second["level"], second["status"]) == (
        2,
        "counsellor",
        "simple",
        "accepted",
    )
    assert found.to_dict()["summary"]["complex_share"] == 0.0


def test_an_exchange_that_fails_says_why_and_the_others_are_scored() -> None:
    turns = [("Client", "\x00"), ("Dr", "You drink."), ("Client", "Yes."), ("Dr", "You drink.")]
    report = graph().score_conversation(turns)
    assert [turn.score for turn in report.turns] == [None, None, None, approx(0.5)]
    assert report.turns[1].note.startswith("prompt: the text holds only control")
    assert report.summary()["failed"] == 1


def test_one_speaker_only_is_no_session() -> None:
    with pytest.raises(DataError, match="only the client speaks"):
        graph().score_conversation([("Client", "a"), ("Client", "b")])


def test_roles_can_be_told() -> None:
    roles = {"Ann": "client", "Bob": "counsellor"}
    report = graph().score_conversation([("Ann", "a"), ("Bob", MEDIUM)], roles=roles)
    assert [turn.score for turn in report.turns] == [None, approx(0.5)]


def test_an_agent_uses_it_as_node_and_as_tool() -> None:
    scorer = graph()
    assert (
        scorer.as_node()({"pair": ("a", MEDIUM)}, {})["reflection"][0]["status"] == "failed"
    )  # a list is many rows
    state = scorer.as_node()({"pair": {"prompt": "a", "response": MEDIUM}}, {})
    assert state["reflection"]["value"]["score"] == approx(0.5)
    assert scorer.status()(state) == "accepted"
    tool = scorer.as_tool()
    assert set(tool.args) == {"prompt", "response"}
    assert tool.invoke({"prompt": "a", "response": LONG})["label"] == "complex"
    assert asyncio.run(tool.ainvoke({"prompt": "a", "response": LONG}))["label"] == "complex"


def test_threads_do_not_meet() -> None:
    scorer = graph()
    found: dict[int, list[float]] = {}

    def score(number: int) -> None:
        found[number] = scorer.score_absolute("a", [(SHORT, MEDIUM, LONG)[number % 3]] * 20)

    threads = [threading.Thread(target=score, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: approx([(0.0, 0.5, 1.0)[n % 3]] * 20) for n in range(8)}
