"""The conflict graph from a configuration: its face, its documents, workers that die, runs that go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mendgraph.assembly import load
from mendgraph.conflict import PIECE, ConflictGraph
from mendgraph.core.conflict import Document
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError, DataError, JournalError
from mendgraph.graphs.conflict import EXAMPLE
from mendgraph.runtime.sqlite_journal import SqliteJournal
from tests.readers import DOCUMENTS, QUESTION, save_conflict_reader

ROW = {"question": QUESTION, "documents": list(DOCUMENTS)}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny reader with its parts, and the configuration that names them; no tier needs the encoder."""
    folder = tmp_path_factory.mktemp("conflict")
    save_conflict_reader(folder)
    stanza = {
        "policy": str(folder / "policy"),
        "device": "cpu",
        "tiers": {
            "reader": {
                "kind": "conflict_reader",
                "model": str(folder / "reader"),
                "detector": "detector",
                "refinement": "refinement",
                "answerability": None,
            },
            "types": None,
            "values": {"kind": "conflict_values"},
        },
    }
    (folder / "mendgraph.yaml").write_text(json.dumps({"conflict": stanza}))
    return folder / "mendgraph.yaml"


@pytest.fixture(scope="module")
def graph(config: Path) -> ConflictGraph:
    return load("conflict", config=config)


def test_a_question_is_answered_with_all_that_the_answer_needs(graph: ConflictGraph) -> None:
    answer = graph.answer(QUESTION, DOCUMENTS)
    assert answer.status == "abstained"  # no policy was fitted for these weights
    assert set(answer.value) == {
        "text", "conflict", "probability", "level", "code", "levels", "passages", "sides", "done", "reason", "passes",
        "tokens", "notes",
    }  # fmt: skip
    assert answer.value["passes"] >= 1
    assert graph.health()["reader"]["state"] == "up"
    json.dumps(answer.to_dict())
    [again] = graph.run(answer.input)
    assert again.best_guess == answer.best_guess


def test_a_batch_is_answered_like_its_rows(graph: ConflictGraph) -> None:
    rows = [{**ROW, "documents": list(DOCUMENTS[:count])} for count in (1, 2, 3)] * 2
    together = graph.run(rows, threshold=0.0)
    alone = [graph.run(row, threshold=0.0)[0] for row in rows]
    assert [one.best_guess for one in together] == [one.best_guess for one in alone]
    assert [one.value["level"] for one in together] == [one.value["level"] for one in alone]
    assert graph._piece(None, 1000) == PIECE


def test_odd_rows_fail_alone(graph: ConflictGraph) -> None:
    odd: list[Any] = [
        {"question": "", "documents": ["a"]}, {"question": "why", "documents": []}, {"documents": ["a"]}, None, 3, "",
        {"question": "why", "documents": ["", "a"]}, {"question": "why", "documents": 5},
    ]  # fmt: skip
    found = graph.run([*odd, ROW])
    assert [answer.status for answer in found] == ["failed"] * len(odd) + ["abstained"]
    assert all(answer.error is not None and answer.error.hint for answer in found[:2])


def test_hard_rows_are_answered_and_say_what_was_left_out(graph: ConflictGraph) -> None:
    many = {
        "question": QUESTION,
        "documents": [f"the mat number {n} was made in {1500 + n}" for n in range(510)],
    }
    long = {
        "question": QUESTION,
        "documents": ["a cat sat. " * 3000, "the mat was made in 1912", "x" * 30_000],
    }
    strange = {"question": "wann\u202e \ud83d\ude00?", "documents": ["\ud800 lone", "日本 😀", "{} %s [PAD]"]}
    [first, second, third] = graph.run([many, long, strange])
    assert "the first 500 of 510 documents are read" in first.trail[0].notes
    assert "7 of 500 documents were read, those closest to the question" in first.value["notes"]
    assert any("was cut to its first 20,000" in note for note in second.trail[0].notes)
    assert any("sentences were read" in note or "lost its last" in note for note in second.value["notes"])
    assert third.status in ("abstained", "accepted")


def read_by(answer: Answer) -> int:
    return len(json.loads(answer.input)["documents"])


def test_questions_without_documents_look_for_them(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("bm25s")
    shelf = tmp_path / "texts"
    shelf.mkdir()
    for name, text in zip(("one.txt", "two.txt", "three.txt"), DOCUMENTS, strict=True):
        (shelf / name).write_text(text)
    with load("conflict", config=config, overrides=[f"conflict.docs={shelf}", "conflict.top_k=2"]) as graph:
        [answer] = graph.run(QUESTION)
        assert read_by(answer) == 2
        [again] = graph.run(answer.input)
        assert again.value["done"] == answer.value["done"]
        [nothing] = graph.run("zebra")
        assert nothing.status == "failed"
    with load("conflict", config=config, overrides=["conflict.docs=/nowhere/at/all"]) as graph:
        assert "no documents at" in graph.run(QUESTION)[0].error.message  # type: ignore[union-attr]
        with pytest.raises(DataError):
            graph.search_in(tmp_path / "gone")
        graph.search_in(shelf)
        assert read_by(graph.answer(QUESTION)) == 2


def test_a_langchain_retriever_can_be_passed_in(config: Path) -> None:
    found = [SimpleNamespace(page_content=text, metadata={"source": "web"}, id=None) for text in DOCUMENTS]
    with load("conflict", config=config) as graph:
        graph.search_in(SimpleNamespace(invoke=lambda question: found))
        assert read_by(graph.answer(QUESTION)) == 3
        graph.search_in(SimpleNamespace(retrieve=lambda question, most: [Document("a", "a cat")]))
        answer = graph.answer(QUESTION)
        assert (read_by(answer), answer.value["done"][0]) == (1, "one document")


def test_as_a_tool_and_as_a_node(graph: ConflictGraph) -> None:
    told = graph.as_tool().invoke({"question": QUESTION, "documents": list(DOCUMENTS)})
    assert told["value"]["passes"] > 0
    assert graph.as_node()({"row": ROW}, {})["conflict"]["status"] == "abstained"


def test_weights_that_are_missing_leave_the_reader_down_with_the_reason(config: Path) -> None:
    gone = ["conflict.tiers.reader.detector=/nowhere"]
    with load("conflict", config=config, overrides=gone) as graph:
        health = graph.health()["reader"]
        assert (health["state"], "/nowhere" in health["error"]) == ("down", True)
        assert graph.run(EXAMPLE)[0].status == "abstained"
    with pytest.raises(ConfigError, match="verify"):
        load("conflict", config=config, overrides=["conflict.verify=luck"])


def test_every_answer_is_recorded(config: Path, tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "answers.sqlite")
    with load("conflict", config=config, journal=journal) as graph:
        graph.run([ROW, "nothing", EXAMPLE])
    journal.close()
    from mendgraph.replay.again import open_again, replay
    from mendgraph.replay.change import Change
    from mendgraph.replay.records import read_run
    from mendgraph.replay.setting import setting_of
    from mendgraph.runtime.journal_reader import JournalReader

    with JournalReader(tmp_path / "answers.sqlite") as reader:
        [run] = reader.runs()
        recorded = read_run(reader, run)
        assert [entry.answer.status for entry in recorded.entries.values()] == [
            "abstained",
            "failed",
            "abstained",
        ]
        with open_again(run) as again:
            assert replay(recorded, again).identical
        with pytest.raises(JournalError, match="several things about a row"):
            setting_of(recorded, Change())


def test_a_killed_worker_costs_another_reading_and_no_row(config: Path) -> None:
    isolated = [
        "conflict.supervision={isolation: process, retries: 2}",
        "conflict.tiers.values.supervision={isolation: inline}",
    ]
    with load("conflict", config=config, overrides=isolated) as graph:
        [before] = graph.run(ROW)
        os.kill(graph.health()["reader"]["pid"], signal.SIGKILL)
        [meanwhile] = graph.run(ROW)
        assert meanwhile.best_guess is not None
        ends = time.monotonic() + 60
        while graph.health()["reader"]["state"] != "up" and time.monotonic() < ends:
            time.sleep(0.1)
        [after] = graph.run(ROW)
        assert (after.best_guess, after.value["passes"]) == (before.best_guess, before.value["passes"])


SCRIPT = """
import json, sys
from langgraph.checkpoint.sqlite import SqliteSaver
from mendgraph.assembly import load

config, database, resume = sys.argv[1:]
thread = {"configurable": {"thread_id": "one"}}
with SqliteSaver.from_conn_string(database) as saver:
    graph = load("conflict", config=config, checkpointer=saver)
    given = None if resume == "yes" else graph.request([json.loads(ROW)])
    for event in graph.graph.stream(given, thread, stream_mode="custom", durability="sync"):
        print(event["event"], flush=True)
        if resume == "no" and event["event"] == "verdict":
            sys.stdin.readline()
    answer = graph.graph.get_state(thread).values["answers"][0]
    print(json.dumps([answer["best_guess"], answer["value"]["passes"]]), flush=True)
"""


def test_kill_minus_nine_and_resume_is_the_same_answer(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("langgraph.checkpoint.sqlite")
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.replace("ROW", repr(json.dumps(ROW))))
    arguments = [sys.executable, str(script), str(config), str(tmp_path / "runs.sqlite")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*arguments, "no"], **pipes) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if line.strip() == "verdict":
                first.send_signal(signal.SIGKILL)
                break
    second = subprocess.run([*arguments, "yes"], stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    guess, passes = json.loads(second.stdout.splitlines()[-1])
    with load("conflict", config=config) as fresh:
        [whole] = fresh.run(ROW)
    assert guess == whole.best_guess
    assert passes == pytest.approx(whole.value["passes"] + 0.5)  # what was read is gone with the process
