"""The prompt routing graph over scripted ratings: terms, healing, questions, rows that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command

from mendgraph.app import answers_of
from mendgraph.replay.again import replay
from mendgraph.replay.records import read_run
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.testing import Failing
from tests.cascades import tried, verdicts
from tests.llms import MODELS, Rating, catalog
from tests.routers import router

GOOD = (0.9, 0.6, 0.3)


def test_a_sure_tier_chooses_and_says_why() -> None:
    graph = router({"router": Rating(catalog(), GOOD)})
    [answer] = graph.run("Prove that 2 is irrational.")
    assert (answer.status, answer.label, answer.source) == ("accepted", "big", "router")
    assert answer.value["runner_up"] == "middle"
    assert answer.value["why"].startswith("expected quality 0.90 for $0.003")
    assert answer.input == "Prove that 2 is irrational."
    assert graph.labels == graph.models == MODELS


def test_every_row_has_its_own_terms() -> None:
    graph = router({"router": Rating(catalog(), GOOD)})
    rows = [
        "hello",
        {"prompt": "hello", "max_cost": 0.001},
        {"prompt": "hello", "down": ["big", "middle"]},
        {"prompt": "hello", "lambda": 1e6},
        '{"prompt": "hello", "down": ["big"]}',
    ]
    assert [a.label for a in graph.run(rows)] == ["big", "middle", "small", "small", "middle"]


def test_the_configuration_sets_terms_for_all() -> None:
    terms = catalog(max_cost=0.001)
    graph = router({"router": Rating(terms, GOOD)}, settings={"max_cost": 0.001})
    assert graph.catalog.terms.max_cost == 0.001
    assert [a.label for a in graph.run(["hello", {"prompt": "hello", "max_cost": 1}])] == ["middle", "big"]


def test_a_row_that_cannot_be_routed_fails_alone_and_says_why() -> None:
    graph = router({"router": Rating(catalog(), GOOD), "blind": Rating(catalog(), GOOD)})
    rows = ["hello", {"prompt": "hello", "max_cost": 1e-9}, {"prompt": "a", "down": ["bog"]}, " ", None]
    answers = graph.run(rows)
    assert [a.status for a in answers] == ["accepted", *["failed"] * 4]
    assert "the cheapest, small, costs $0.00001" in answers[1].error.message  # type: ignore[union-attr]
    assert answers[2].error.hint == "did you mean 'big'?"  # type: ignore[union-attr]


def test_the_surest_of_all_that_was_heard_is_believed() -> None:
    doubtful, sure = Rating(catalog(), (0.50, 0.49, 0.48)), Rating(catalog(), (0.1, 0.3, 0.9), "sure")
    graph = router({"router": doubtful, "neighbours": sure, "blind": Rating(catalog(), GOOD, "blind")},
                   thresholds={"default": 0.9, "blind": 0.0})  # fmt: skip
    [answer] = graph.run("hello")
    assert tried(answer) == ["router", "neighbours", "combined"]
    assert answer.trail[-1].reason.startswith("the surest of router, neighbours")
    assert (answer.label, answer.value["model"]) == ("small", "small")


def test_dead_tiers_cost_no_choice() -> None:
    graph = router({"router": Failing(), "neighbours": Failing(), "blind": Rating(catalog(), GOOD)})
    [answer] = graph.run("hello")
    assert (answer.source, answer.label) == ("blind", "big")
    assert verdicts(answer) == ["defer", "defer", "accept"]


def test_the_question_is_about_llms_and_a_reply_settles_it() -> None:
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[]))
    graph = router(
        {"router": Rating(catalog(), (0.5, 0.5, 0.5))},
        ask="interrupt",
        checkpointer=saver,
        thresholds={"default": 0.9},
    )
    thread: Any = {"configurable": {"thread_id": "one"}}
    [waiting] = graph.run({"prompt": "hello", "max_cost": 1}, config=thread)
    assert waiting.status == "needs_clarification"
    [asked] = graph.graph.get_state(thread).interrupts
    assert asked.value["question"] == "Which LLM should answer this prompt?"
    [answer] = answers_of(graph.graph.invoke(Command(resume="big"), thread))
    assert (answer.source, answer.value["model"], answer.value["why"]) == ("user", "big", "chosen by hand")
    assert answer.value["cost"]["big"] == pytest.approx(0.00302)


def test_a_recorded_run_is_replayed_with_its_terms(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "runs.sqlite")
    graph = router({"router": Rating(catalog(), GOOD)}, journal=journal)
    graph.run(["one\nand two", {"prompt": "three", "max_cost": 0.001, "down": ["small"]}])
    journal.close()
    reader = JournalReader(tmp_path / "runs.sqlite")
    [run] = reader.runs()
    replayed = replay(read_run(reader, run), graph)
    assert (replayed.compared, replayed.differences) == (2, ())


def test_a_batch_equals_its_rows() -> None:
    graph = router({"router": Rating(catalog(), GOOD), "blind": Rating(catalog(), GOOD)})
    rows = ["hello", {"prompt": "a b c", "max_cost": 0.001}, "x" * 900]
    assert [a.value for a in graph.run(rows)] == [graph.run([row])[0].value for row in rows]
