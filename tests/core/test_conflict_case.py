"""What is known of a row, what is decided about it, and the answer it becomes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.conflict import LEVELS, Document
from mendgraph.core.conflict_case import Case, full_value, is_stated, resolved
from mendgraph.core.conflict_decisions import (
    SAMPLES,
    VALUES,
    Decision,
    conflict_threshold,
    decided,
    is_believed,
    is_conflict,
    is_shallow,
    sureness,
)
from mendgraph.core.conflict_stages import DISPUTED, Stage, Ways, agreement, drafted, roles
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.thresholds import NEVER

QUESTION = "When did the Ostra Bridge open?"
DOCUMENTS = (
    Document("old", "[2003, newspaper] The Ostra Bridge opened in 1927.", "2003", "newspaper", 0.6),
    Document("new", "[2021, archive] The Ostra Bridge opened in May 1931. It is long.", "2021"),
    Document("other", "The Elm Bridge opened in 1950."),
)
SHARES = {"temporal": 0.8, "numerical": 0.1, "entity": 0.1, "semantic": 0.0}
CHANCE = st.floats(0, 1)


def case(**more: object) -> Case:
    known: dict[str, object] = {"probability": 0.9, "conflict": True, "shares": SHARES}
    return Case(**{**known, **more})  # type: ignore[arg-type]


@given(CHANCE, st.booleans(), st.booleans(), st.lists(st.text(max_size=5), max_size=3))
def test_cases_survive_a_checkpoint(chance: float, conflict: bool, typed: bool, done: list[str]) -> None:
    one = Case(probability=chance, conflict=conflict, shares=SHARES if typed else {}, done=tuple(done))
    assert Case.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert sum(one.levels.values()) == pytest.approx(1.0)
    assert list(one.levels) == list(LEVELS)
    assert (one.level == "none") == (not conflict)


def test_what_is_done_adds_up() -> None:
    one = case().after("read", {"passes": 0.5, "tokens": 10, "notes": ["cut"]}, text="1931", next="verify")
    two = one.after("values", {"passes": 0.75, "tokens": 20, "notes": ["cut"]}).after("")
    assert (two.done, two.passes, two.tokens, two.notes) == (("read", "values"), 1.25, 30, ("cut",))
    assert (two.text, two.next) == ("1931", "verify")


def test_levels_decide_how_sure_refinement_has_to_be() -> None:
    assert is_shallow(case(), Ways(sure=0.7))
    assert not is_shallow(case(), Ways(sure=0.81))
    assert not is_shallow(case(shares={**SHARES, "entity": 0.9}), Ways())
    assert not is_shallow(case(conflict=False), Ways())
    fitted = HealingPolicy(LEVELS, thresholds={"detect": 0.3})
    assert is_conflict(0.3, fitted)
    assert not is_conflict(0.3, HealingPolicy(LEVELS))
    assert conflict_threshold(HealingPolicy(LEVELS, thresholds={"default": 0.9})) == 0.5


def test_the_rule_of_the_question_goes_before_that_of_the_level() -> None:
    said = case(values={"old": "1927", "new": "May 1931", "other": None})
    assert resolved(said, QUESTION, DOCUMENTS).answer == "May 1931"
    asked = "Going by the source that deserves most trust: " + QUESTION
    assert resolved(said, asked, DOCUMENTS).answer == "1927"


@pytest.mark.parametrize("verify", ["policy", "samples", "both"])
def test_rule_and_vote(verify: str) -> None:
    ways = Ways(verify=verify)  # type: ignore[arg-type]
    vote = {"text": "1927", "share": 0.75, "counts": [["1927", 6], ["1931", 2]]}
    known = resolved(case(values={"old": "1927", "new": "May 1931"}), QUESTION, DOCUMENTS)
    tied = resolved(
        case(values={"old": "1927", "new": "1931"}), "Going by the majority: " + QUESTION, DOCUMENTS
    )
    given = None if verify == "policy" else vote
    by_rule, open_one = decided(known, given, ways), decided(tied, given, ways)
    wanted = {"policy": ("May 1931", None), "samples": ("1927", "1927"), "both": ("May 1931", "1927")}
    assert (by_rule.text, open_one.text) == wanted[verify]
    assert by_rule.source == (SAMPLES if verify == "samples" else VALUES)


def test_both_sides_are_an_answer_that_names_none() -> None:
    said = case(shares={"semantic": 1.0}, values={"old": "yes", "new": "no"})
    assert decided(resolved(said, "Is it safe?", DOCUMENTS), None, Ways()).text == DISPUTED
    assert is_stated("Is it safe?", DISPUTED, ())


@given(CHANCE)
def test_a_decision_is_as_sure_as_its_source(chance: float) -> None:
    assert sureness(Decision("May 1931", VALUES, ""), chance, {"share": 0.25}) == chance
    assert sureness(Decision("x", SAMPLES, ""), chance, {"share": 0.25}) == 0.25


def test_of_documents_that_agree_most_decide_whatever_the_question_asks_for() -> None:
    said = case(conflict=False, values={"old": "1931", "new": "1931", "other": "1950"})
    documents = (*DOCUMENTS[:2], Document("other", "In 1950.", "2024"))
    assert resolved(said, "Going by the most recent text: " + QUESTION, documents).answer == "1931"


def test_what_is_never_believed_need_not_be_asked_for() -> None:
    assert is_believed(HealingPolicy(LEVELS, thresholds={"reader": 1.0}), "reader")
    assert not is_believed(HealingPolicy(LEVELS, thresholds={"reader": NEVER}), "reader")


def test_a_conflict_shows_what_every_document_says() -> None:
    said = case(text="May 1931", values={"old": "1927", "new": "May 1931", "other": None}, done=("values",))
    value = full_value(said, QUESTION, DOCUMENTS)
    assert (value["level"], value["code"], value["text"]) == ("temporal", "L1", "May 1931")
    assert [(one["document"], one["says"]) for one in value["passages"]] == [
        ("old", "1927"),
        ("new", "May 1931"),
    ]
    assert value["passages"][1]["text"] == "The Ostra Bridge opened in May 1931."
    for one in value["passages"]:
        text = next(document.text for document in DOCUMENTS if document.id == one["document"])
        assert text[one["start"] : one["end"]] == one["says"]
    assert value["sides"] == [
        {"value": "1927", "documents": ["old"]},
        {"value": "May 1931", "documents": ["new"]},
    ]
    json.dumps(value)


def test_where_nobody_was_asked_words_are_compared() -> None:
    refined = full_value(case(text="May 1931", done=("refined",)), QUESTION, DOCUMENTS)
    assert [(one["document"], one["says"]) for one in refined["passages"]] == [
        ("old", "1927"),
        ("new", "May 1931"),
    ]
    plain = full_value(Case(probability=0.1, text="May 1931"), QUESTION, DOCUMENTS)
    assert [one["document"] for one in plain["passages"]] == ["new"]
    assert (plain["conflict"], plain["level"], plain["code"]) == (False, "none", "")
    loosely = (DOCUMENTS[1], Document("late", "In 1927 the Ostra Bridge was opened."))
    assert len(full_value(case(text="May 1931"), QUESTION, loosely)["sides"]) == 2
    unsaid = full_value(case(values={"old": "a thing it never says"}), QUESTION, DOCUMENTS)
    assert (unsaid["passages"][0]["start"], unsaid["passages"][0]["end"]) == (-1, -1)


def test_names_of_tiers_are_their_roles() -> None:
    assert roles(["types_large", "reader", "values", "backup", "types"]) == {
        "readers": ["reader", "backup"],
        "types": ["types_large", "types"],
        "values": ["values"],
    }
    assert Stage(**Stage("verify", 8).to_dict()) == Stage("verify", 8)
    assert Ways(verify="both").verification.samples == 8
    assert Ways().verification.samples == 0


@given(CHANCE)
def test_predictions_of_the_stages_are_probabilities(chance: float) -> None:
    for said in (agreement(chance, {}), drafted(chance, {"text": "x"})):
        assert sum(said.scores.values()) == pytest.approx(1.0)
        assert said.raw == max(said.scores.values()) == said.scores[said.label]
