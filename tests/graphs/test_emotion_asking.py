"""The question to the user: interrupt, resume, bad replies, several rows, threads, checkpointers."""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from mendgraph.app import MendGraph, answers_of
from mendgraph.core.record import RunRecord
from mendgraph.core.values import Answer
from mendgraph.testing import Failing, Scripted
from tests.cascades import cascade, tried, verdicts


def strict() -> JsonPlusSerializer:
    return JsonPlusSerializer(allowed_msgpack_modules=[])


SERVER = os.environ.get("MENDGRAPH_TEST_POSTGRES", "")
"""Connection string of an empty database, for whoever has a server: its tables are made and dropped."""


@pytest.fixture(params=["memory", "sqlite", *(["postgres"] if SERVER else [])])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseCheckpointSaver[Any]]:
    """Checkpointers that give back plain data and nothing else."""
    if request.param == "memory":
        yield InMemorySaver(serde=strict())
        return
    if request.param == "postgres":
        postgres = import_module("langgraph.checkpoint.postgres").PostgresSaver
        with postgres.from_conn_string(SERVER) as server:
            server.serde = strict()
            server.setup()
            yield server
            for thread_id in {str(one.config["configurable"]["thread_id"]) for one in server.list(None)}:
                server.delete_thread(thread_id)
        return
    with closing(sqlite3.connect(tmp_path / "threads.db", check_same_thread=False)) as connection:
        yield SqliteSaver(connection, serde=strict())


class Diary:
    """A journal that keeps answers in a list."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def record(self, run: RunRecord, answers: Mapping[int, Answer]) -> None:
        self.answers.extend(answers.values())

    def close(self) -> None:
        return None


def thread(name: str = "one") -> RunnableConfig:
    return {"configurable": {"thread_id": name}}


def asking(saver: BaseCheckpointSaver[Any], **more: Any) -> MendGraph:
    doubt = Scripted(lambda text: "joy" if text == "sunny" else ("fear", 0.4))
    return cascade(
        {"primary": doubt, "backup": more.pop("backup", doubt)}, ask="interrupt", checkpointer=saver, **more
    )


def question(graph: MendGraph, config: RunnableConfig) -> dict[str, Any]:
    [interrupt] = graph.graph.get_state(config).interrupts
    value: dict[str, Any] = interrupt.value
    return value


def resume(graph: MendGraph, reply: object, config: RunnableConfig) -> list[Answer]:
    return answers_of(graph.graph.invoke(Command(resume=reply), config))


def test_an_unsure_row_pauses_the_run_and_the_reply_settles_it(saver: BaseCheckpointSaver[Any]) -> None:
    graph = asking(saver)
    [waiting] = graph.run("hmm", config=thread())
    assert (waiting.status, waiting.best_guess) == ("needs_clarification", "fear")
    asked = question(graph, thread())
    assert asked["rows"][0]["text"] == "hmm"
    assert [option["label"] for option in asked["rows"][0]["options"]] == list(waiting.options)
    [answer] = resume(graph, "disgust", thread())
    assert (answer.status, answer.label, answer.source, answer.confidence) == (
        "accepted",
        "disgust",
        "user",
        1.0,
    )
    assert tried(answer) == ["primary", "backup", "user"]
    assert verdicts(answer) == ["defer", "ask", "accept"]


def test_sure_rows_do_not_wait_for_the_unsure_ones(saver: BaseCheckpointSaver[Any]) -> None:
    diary = Diary()
    graph = asking(saver, journal=diary)
    answers = graph.run(["hmm", "sunny", "", "hm"], config=thread())
    assert [a.status for a in answers] == ["needs_clarification", "accepted", "failed", "needs_clarification"]
    assert [a.input for a in diary.answers] == ["sunny", ""]
    assert [row["row"] for row in question(graph, thread())["rows"]] == [0, 3]
    answers = resume(graph, {"0": "anger", "3": " Love "}, thread())
    assert [a.label for a in answers] == ["anger", "joy", None, "love"]
    assert [a.input for a in diary.answers] == ["sunny", "", "hmm", "hm"]


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        ("happy", "unknown label 'happy'; known: joy"),
        ({"7": "joy"}, "row '7' was not asked about; asked: [0]"),
        (["joy"], "reply with a mapping of row to label, got list"),
        ({"0": 3}, "unknown label 3"),
    ],
)
def test_a_reply_that_cannot_be_understood_is_asked_again(
    saver: BaseCheckpointSaver[Any], reply: object, complaint: str
) -> None:
    graph = asking(saver)
    graph.run("hmm", config=thread())
    assert question(graph, thread())["error"] == ""
    [still] = resume(graph, reply, thread())
    assert still.status == "needs_clarification"
    assert complaint in question(graph, thread())["error"]
    [answer] = resume(graph, "joy", thread())
    assert (answer.label, answer.source) == ("joy", "user")


def test_a_skipped_row_is_abstained(saver: BaseCheckpointSaver[Any]) -> None:
    graph = asking(saver)
    graph.run(["hmm", "hm"], config=thread())
    first, second = resume(graph, {"0": None, "1": "joy"}, thread())
    assert (first.status, first.label, first.best_guess) == ("abstained", None, "fear")
    assert first.trail[-1].reason.endswith("the user skipped it")
    assert second.label == "joy"


def test_the_user_is_asked_even_when_every_tier_is_dead(saver: BaseCheckpointSaver[Any]) -> None:
    diary = Diary()
    graph = cascade({"primary": Failing()}, ask="interrupt", checkpointer=saver, journal=diary)
    [waiting] = graph.run("hmm", config=thread())
    assert (waiting.status, waiting.best_guess) == ("needs_clarification", None)
    assert question(graph, thread())["rows"] == [{"row": 0, "text": "hmm", "options": []}]
    [answer] = resume(graph, "fear", thread())
    assert (answer.status, answer.label, answer.source) == ("accepted", "fear", "user")
    assert diary.answers == [answer]


def test_a_second_run_of_a_thread_starts_afresh(saver: BaseCheckpointSaver[Any]) -> None:
    graph = asking(saver)
    graph.run(["hmm", "hm"], down=["primary"], config=thread())
    resume(graph, {"0": "joy", "1": "joy"}, thread())
    [answer] = graph.run("sunny", config=thread())
    assert (answer.label, tried(answer)) == ("joy", ["primary"])
    state = graph.graph.get_state(thread())
    assert len(state.values["trails"]) == len(state.values["answers"]) == 1
    assert state.next == ()


def test_what_one_run_overrode_does_not_reach_the_next(saver: BaseCheckpointSaver[Any]) -> None:
    graph = asking(saver)
    graph.run("sunny", down=["primary"], threshold=0.5, config=thread())
    again = answers_of(graph.graph.invoke({"inputs": ["sunny"]}, thread()))
    assert tried(again[0]) == ["primary"]
    assert again[0].trail[0].threshold == 0.6


def test_a_question_that_is_never_answered_does_not_haunt_the_thread(saver: BaseCheckpointSaver[Any]) -> None:
    graph = asking(saver)
    graph.run("hmm", config=thread())
    [answer] = graph.run("sunny", config=thread())
    assert (answer.status, answer.label) == ("accepted", "joy")


def test_threads_are_apart(saver: BaseCheckpointSaver[Any]) -> None:
    graph = asking(saver)
    graph.run("hmm", config=thread("a"))
    graph.run("hm", config=thread("b"))
    assert resume(graph, "love", thread("b"))[0].input == "hm"
    assert resume(graph, "anger", thread("a"))[0].label == "anger"


def test_models_are_not_called_again_on_resuming(saver: BaseCheckpointSaver[Any]) -> None:
    backup = Scripted({}, otherwise="fear", confidence=0.4)
    graph = asking(saver, backup=backup)
    graph.run("hmm", config=thread())
    resume(graph, "happy", thread())
    resume(graph, "joy", thread())
    assert backup.asked == ["hmm"]


def test_state_round_trips_through_a_strict_serializer_without_a_warning(
    saver: BaseCheckpointSaver[Any],
) -> None:
    graph = asking(saver)
    rows: list[object] = [
        "hmm",
        "sunny",
        "",
        3,
        None,
        "😀",
        "word \ud800 word",
        "nul \0 byte",
        "\u202eright to left",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answers = graph.run(rows, config=thread())
        state = graph.graph.get_state(thread())
    assert answers_of(state.values) == answers
    kind, blob = strict().dumps_typed(state.values["answers"])
    assert strict().loads_typed((kind, blob)) == state.values["answers"]


def test_clarifications_known_beforehand_are_not_asked_for_again(saver: BaseCheckpointSaver[Any]) -> None:
    graph = asking(saver)
    graph.run(["hmm", "hm"], clarifications={0: "anger"}, config=thread())
    assert [row["row"] for row in question(graph, thread())["rows"]] == [1]
    first, second = resume(graph, "joy", thread())
    assert (first.label, second.label) == ("anger", "joy")
