"""The reflection graph over scripted tiers: healing, values, questions, rows that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command

import mendgraph
from mendgraph.app import answers_of
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.combine import Combiner, CombinerSet
from mendgraph.core.reflection import LABELS
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input, Prediction
from mendgraph.reflection import ReflectionGraph
from mendgraph.testing import Failing, Scripted, scores_for
from tests.cascades import pair_cascade, tried, verdicts

PAIR = {"prompt": "I can't sleep.", "response": "You are worn out."}
RAW = "client: I can't sleep.\ncounsellor: You are worn out."


def sure(level: str = "complex", confidence: float = 0.9, **more: Any) -> Scripted:
    return Scripted({}, otherwise=level, confidence=confidence, labels=LABELS, **more)


class Scoring:
    """A tier with a score of its own beside the levels; it remembers its rows."""

    name = fingerprint = "scoring"

    def __init__(self, score: float) -> None:
        self.score = score
        self.rows: list[Input] = []

    def predict(self, rows: Any) -> list[Prediction]:
        self.rows.extend(rows)
        value = {"score": self.score, "level": "none"}
        return [Prediction("simple", scores_for("simple", 0.8, LABELS), 0.8, value=value) for _ in rows]


def test_a_sure_tier_settles_a_pair_with_its_own_score() -> None:
    tier = Scoring(0.61)
    [answer] = pair_cascade({"primary": tier}).run(PAIR)
    assert (answer.status, answer.label, answer.source) == ("accepted", "simple", "primary")
    assert answer.value == {"score": 0.61, "level": "simple"}
    assert answer.input == RAW
    assert [(row.text, row.facts) for row in tier.rows] == [
        ("You are worn out.", {"prompt": "I can't sleep."})
    ]


def test_a_doubtful_pair_is_healed_and_worth_what_its_levels_are() -> None:
    graph = pair_cascade({"primary": sure("none", 0.4), "features": sure("simple", 0.8)})
    [answer] = graph.run([("I can't sleep.", "So you lie awake.")])
    assert tried(answer) == ["primary", "features"]
    assert verdicts(answer) == ["defer", "accept"]
    assert answer.value == {"score": pytest.approx(0.5 * 0.8 + 0.1), "level": "simple"}


def test_a_combination_has_a_score_too() -> None:
    tiers: dict[str, Tier] = {"primary": Scoring(0.99), "features": sure("simple", 0.5, fingerprint="f")}
    combiner = Combiner(tuple(tiers), LABELS, (1.0, 1.0), (0.0, 0.0, 0.0))
    graph = pair_cascade(
        tiers,
        combiners=CombinerSet((combiner,)),
        combined={"features+primary": Temperature(1.0)},
        fingerprints={name: tier.fingerprint for name, tier in tiers.items()},
        thresholds={"default": 0.6, "primary": 0.95},
    )
    [answer] = graph.run(PAIR)
    assert tried(answer) == ["primary", "features", "combined"]
    scores: Mapping[str, float] = answer.trail[-1].prediction.scores  # type: ignore[union-attr]
    assert answer.value["score"] == pytest.approx(0.5 * scores["simple"] + scores["complex"])


def test_a_dead_primary_costs_no_answer() -> None:
    [answer] = pair_cascade({"primary": Failing(), "features": sure()}).run(PAIR)
    assert (answer.source, answer.label) == ("features", "complex")


def test_bad_rows_fail_alone_and_say_why() -> None:
    long = {"prompt": "I drink. " * 20_000, "response": "You drink."}
    rows = [PAIR, {"prompt": "a"}, "one text", (1, 2), {"prompt": "a", "response": " "}, long, None, RAW]
    answers = pair_cascade({"primary": sure()}).run(rows)
    assert [a.status == "accepted" for a in answers] == [True, False, False, False, False, True, False, True]
    assert all(a.error and a.error.kind == "input" and a.error.hint for a in answers if not a.accepted)
    assert answers[5].trail[0].notes == ("the prompt was cut to its first 20,000 of 179,999 characters",)
    assert answers[0].trail[0].notes == ()


def test_a_tier_named_emoji_is_a_tier_like_any_other() -> None:
    graph = pair_cascade({"emoji": sure("none", 0.4), "primary": sure()})
    assert tried(graph.run(PAIR)[0]) == ["emoji", "primary"]


def test_the_question_is_about_reflection_and_a_reply_settles_it() -> None:
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[]))
    graph = pair_cascade(
        {"primary": Scoring(0.4)}, ask="interrupt", checkpointer=saver, thresholds={"default": 0.9}
    )
    thread: Any = {"configurable": {"thread_id": "one"}}
    [waiting] = graph.run(PAIR, config=thread)
    assert waiting.status == "needs_clarification"
    [asked] = graph.graph.get_state(thread).interrupts
    assert asked.value["question"] == "How well does the response reflect what the client said?"
    [row] = asked.value["rows"]
    assert row["text"] == RAW
    assert row["options"][0] == {"label": "simple", "probability": pytest.approx(0.8)}
    [answer] = answers_of(graph.graph.invoke(Command(resume="complex"), thread))
    assert (answer.source, answer.value) == ("user", {"score": 1.0, "level": "complex"})


def test_load_gives_the_graph_its_own_face_and_a_batch_equals_its_rows() -> None:
    tiers = {"a": sure(), "b": sure("none")}
    graph = mendgraph.load("reflection", tiers=tiers)
    assert isinstance(graph, ReflectionGraph)
    assert graph.labels == LABELS
    assert graph.context.ask == "return"
    # Nothing is calibrated for these tiers, so nothing is accepted, and the last one's guess counts.
    rows = [PAIR, ("a", "b"), RAW]
    assert [a.value for a in graph.run(rows)] == [graph.run([row])[0].value for row in rows]
    assert graph.run(PAIR)[0].status == "needs_clarification"
