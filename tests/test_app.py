"""The face of a graph: pieces, event loops, parent graphs, health, closing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from mendgraph import app
from mendgraph.app import MendGraph, answers_of
from mendgraph.assembly import load
from mendgraph.core.calibration import Temperature
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer, Failure, Input, Prediction
from mendgraph.errors import ArtifactMissing, ConfigError
from mendgraph.graphs.emotion import LABELS
from mendgraph.runtime.journal import NullJournal
from mendgraph.runtime.journal_reader import JournalReader
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Scripted
from tests.cascades import cascade, tried

SURE = Scripted({"sunny": "joy", "grim": "sadness"}, otherwise="neutral")
UNSURE = Scripted({}, otherwise="fear", confidence=0.4)


def numbered(**more: Any) -> MendGraph:
    """Row ``"n"`` gets label n modulo eight."""
    return cascade({"primary": Scripted(lambda text: LABELS[int(text) % 8])}, **more)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "CHUNK", 4)


# ---- run and arun -------------------------------------------------------------------------------------------


def test_it_knows_its_name_its_labels_and_its_tiers() -> None:
    graph = cascade({"primary": SURE})
    assert (graph.name, graph.labels, list(graph.tiers)) == ("emotion", LABELS, ["primary"])
    assert graph.graph.get_name() == "emotion"


@pytest.mark.parametrize("rows", [("sunny", "grim"), ["sunny", "grim"]])
def test_any_sequence_of_rows_will_do(rows: Sequence[str]) -> None:
    assert [a.label for a in cascade({"primary": SURE}).run(rows)] == ["joy", "sadness"]


@pytest.mark.usefixtures("small_pieces")
def test_pieces_keep_order_and_clarifications_find_their_rows_in_every_piece() -> None:
    graph = cascade({"primary": UNSURE}, ask="return")
    rows = [f"row {n}" for n in range(11)]
    known = {0: "joy", 3: "anger", 4: "love", 10: "disgust", 99: "joy"}
    answers = graph.run(rows, clarifications=known)
    assert [a.input for a in answers] == rows
    assert {row: a.label for row, a in enumerate(answers) if a.label} == {r: known[r] for r in (0, 3, 4, 10)}
    assert {a.source for a in answers if a.label} == {"user"}
    again = asyncio.run(graph.arun(rows, clarifications=known))
    assert [a.label for a in again] == [a.label for a in answers]


@pytest.mark.usefixtures("small_pieces")
def test_options_hold_in_every_piece() -> None:
    primary = Scripted({}, otherwise="joy")
    graph = cascade({"primary": primary, "backup": Scripted({}, otherwise="fear", confidence=0.7)})
    answers = graph.run(["a"] * 9, down=["primary"], threshold=0.65)
    assert {(a.label, a.source, a.trail[-1].threshold) for a in answers} == {("fear", "backup", 0.65)}
    assert primary.asked == []


@pytest.mark.usefixtures("small_pieces")
def test_all_rows_are_asked_about_at_once_however_many() -> None:
    graph = cascade({"primary": UNSURE}, ask="interrupt", checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "one"}}
    assert len(graph.run([f"row {n}" for n in range(9)], config=config)) == 9
    [asked] = graph.graph.get_state(config).interrupts
    assert [row["row"] for row in asked.value["rows"]] == list(range(9))


def test_many_runs_in_one_event_loop_do_not_mix() -> None:
    graph = numbered()

    async def all_at_once() -> list[list[Answer]]:
        return await asyncio.gather(*(graph.arun([str(n), str(n + 1)]) for n in range(20)))

    for n, answers in enumerate(asyncio.run(all_at_once())):
        assert [a.label for a in answers] == [LABELS[n % 8], LABELS[(n + 1) % 8]]


class Slow(Scripted):
    """Answers when it is told to, or after ten seconds."""

    def __init__(self) -> None:
        super().__init__({"sunny": "joy"})
        self.asked_now, self.go_on = threading.Event(), threading.Event()

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        self.asked_now.set()
        self.go_on.wait(10)
        return super().predict(rows)


def test_a_tier_that_takes_its_time_does_not_block_the_event_loop() -> None:
    slow = Slow()
    graph = cascade({"primary": slow})

    async def meanwhile() -> list[Answer]:
        run = asyncio.create_task(graph.arun("sunny"))
        while not slow.asked_now.is_set():
            await asyncio.sleep(0.001)
        assert not run.done()
        slow.go_on.set()
        return await run

    assert asyncio.run(meanwhile())[0].label == "joy"


def test_langgraphs_own_configuration_reaches_the_run() -> None:
    class Names(BaseCallbackHandler):
        def __init__(self) -> None:
            self.seen: list[str | None] = []

        def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
            self.seen.append(kwargs.get("name"))

    names = Names()
    cascade({"primary": SURE}).run("sunny", config={"callbacks": [names]})
    assert {"prepare", "primary", "check_primary", "settle"} <= set(names.seen)


def test_a_bad_wish_is_refused_before_anything_runs() -> None:
    primary = Scripted({})
    graph = cascade({"primary": primary})
    wishes: list[dict[str, Any]] = [
        {"threshold": 2.0},
        {"down": ["primry"]},
        {"clarifications": {0: "happy"}},
    ]
    for wish in wishes:
        with pytest.raises(ConfigError):
            graph.run("sunny", **wish)
        with pytest.raises(ConfigError):
            list(graph.stream("sunny", **wish))
        with pytest.raises(ConfigError):
            asyncio.run(graph.arun("sunny", **wish))
    assert primary.asked == []


# ---- stream -------------------------------------------------------------------------------------------------


def test_events_name_their_row_and_end_in_its_answer() -> None:
    graph = cascade({"primary": Scripted(lambda t: ("joy", 0.9 if t == "sure" else 0.2)), "backup": SURE})
    events = list(graph.stream(["sure", "doubt", ""], ask="return"))
    by_row = {row: [e["event"] for e in events if e["row"] == row] for row in range(3)}
    assert by_row == {
        0: ["attempt", "verdict", "answer"],
        1: ["attempt", "verdict", "attempt", "verdict", "answer"],
        2: ["answer"],
    }
    answers = [Answer.from_dict(e["answer"]) for e in events if e["event"] == "answer"]
    assert [a.status for a in answers] == ["accepted", "accepted", "failed"]


def test_a_stream_left_early_harms_no_later_run() -> None:
    graph = cascade({"primary": SURE})
    stream = graph.stream(["sunny", "grim"])
    assert next(stream)["event"] == "attempt"
    stream.close()  # type: ignore[attr-defined]
    assert [a.label for a in graph.run(["sunny", "grim"])] == ["joy", "sadness"]


# ---- inside a parent graph ----------------------------------------------------------------------------------


class Mail(TypedDict, total=False):
    body: Any
    feeling: Any
    route: str


@dataclass
class Letter:
    text: str
    emotion: Any = None
    route: str = ""


def test_as_node_reads_and_writes_the_keys_it_is_told() -> None:
    graph = cascade({"primary": SURE, "backup": SURE})
    node = graph.as_node(input="body", output="feeling")
    assert node.__name__ == "emotion"  # type: ignore[attr-defined]
    one = node({"body": "sunny"}, {})
    assert list(one) == ["feeling"]
    assert Answer.from_dict(one["feeling"]).label == "joy"
    several = node({"body": ["grim", "", "sunny"]}, {})["feeling"]
    assert [answer["status"] for answer in several] == ["accepted", "failed", "accepted"]
    assert node({"body": []}, {}) == {"feeling": []}
    assert node({"body": 7}, {})["feeling"]["status"] == "failed"


def test_as_node_and_status_take_states_that_are_objects() -> None:
    graph = cascade({"primary": SURE})
    letter = Letter("grim")
    letter.emotion = graph.as_node()(letter, {})["emotion"]
    assert letter.emotion["label"] == "sadness"
    assert graph.status()(letter) == "accepted"
    assert graph.status("feeling")({"feeling": {"status": "abstained"}}) == "abstained"


def parent(graph: MendGraph, *, checkpointer: Any = None, ask: Any = None) -> Any:
    builder = StateGraph(Mail)
    builder.add_node("emotion", graph.as_node("body", "feeling", ask=ask))
    builder.add_node("reply", lambda state: {"route": "reply"})
    builder.add_node("person", lambda state: {"route": "person"})
    builder.add_edge(START, "emotion")
    routes: dict[Hashable, str] = {
        "accepted": "reply",
        "abstained": "person",
        "needs_clarification": "person",
        "failed": "person",
    }
    builder.add_conditional_edges("emotion", graph.status("feeling"), routes)
    builder.add_edge("reply", END)
    builder.add_edge("person", END)
    return builder.compile(checkpointer=checkpointer)


@pytest.mark.parametrize(("text", "route"), [("sunny", "reply"), ("hmm", "person"), ("", "person")])
def test_a_parent_routes_on_the_status(text: str, route: str) -> None:
    graph = cascade({"primary": Scripted({"sunny": "joy"}, otherwise="neutral", confidence=0.9)})
    doubtful = cascade({"primary": UNSURE})
    state = parent(doubtful if text == "hmm" else graph).invoke({"body": text})
    assert state["route"] == route


def test_a_question_inside_a_parent_pauses_the_parent() -> None:
    outer = parent(cascade({"primary": UNSURE}), checkpointer=InMemorySaver(), ask="interrupt")
    config: Any = {"configurable": {"thread_id": "one"}}
    outer.invoke({"body": "hmm"}, config)
    [asked] = outer.get_state(config).interrupts
    assert asked.value["rows"][0]["text"] == "hmm"
    state = outer.invoke(Command(resume="love"), config)
    assert (state["route"], state["feeling"]["label"], state["feeling"]["source"]) == (
        "reply",
        "love",
        "user",
    )


def test_the_tool_never_pauses_and_says_what_its_answer_means() -> None:
    tool = cascade({"primary": UNSURE}, ask="interrupt").as_tool()
    answer = tool.invoke({"text": "hmm"})
    assert (answer["status"], answer["best_guess"]) == ("needs_clarification", "fear")
    assert "fear" in answer["options"]
    assert all(label in tool.description for label in LABELS)
    assert list(tool.args) == ["text"]


# ---- health and the end -------------------------------------------------------------------------------------


def test_a_down_tier_reports_why_and_every_row_hears_it() -> None:
    def refused() -> Tier:
        raise ArtifactMissing("no manifest.json in 'x'", hint="train it")

    down = Supervised("primary", refused)
    graph = cascade({"primary": down, "backup": SURE}, calibrators={"backup": Temperature(1.0, "scripted")})
    keys = ("state", "fingerprint", "calibrated", "error")
    assert {name: tuple(health[key] for key in keys) for name, health in graph.health().items()} == {
        "primary": ("down", "", False, "no manifest.json in 'x' (train it)"),
        "backup": ("up", "scripted", True, None),
    }
    answers = graph.run(["sunny", "grim"])
    assert [(a.label, tried(a)) for a in answers] == [
        ("joy", ["primary", "backup"]),
        ("sadness", ["primary", "backup"]),
    ]
    assert {a.trail[0].failure.hint for a in answers if a.trail[0].failure} == {"train it"}


class Closing(Scripted):
    def __init__(self) -> None:
        super().__init__({})
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_every_tier_that_can_be_closed_is_even_when_a_run_goes_wrong() -> None:
    first, second = Closing(), Closing()
    graph = cascade({"primary": first, "backup": second})
    with pytest.raises(ConfigError), graph:
        graph.run("sunny", down=["nobody"])
    assert (first.closed, second.closed) == (1, 1)
    graph.close()
    assert (first.closed, second.closed) == (1, 1)


# ---- load ---------------------------------------------------------------------------------------------------


def test_tiers_given_to_load_take_the_place_of_the_configured_ones() -> None:
    tiers = {"first": Scripted({}, confidence=0.2), "second": Scripted({}, otherwise="love")}
    graph = load("emotion", tiers=tiers)
    assert list(graph.tiers) == ["first", "second"]
    [answer] = graph.run("hm", ask="never")
    assert tried(answer)[:2] == ["first", "second"]
    assert answer.status == "abstained"  # nobody has calibrated them


def test_a_tier_that_brings_its_own_calibration_is_believed_for_its_own_weights_only() -> None:
    class Calibrated:
        name, fingerprint = "own", "weights"
        calibrator = Temperature(1.0, "weights")

        def predict(self, rows: Sequence[Input]) -> Sequence[Prediction | Failure]:
            return Scripted({}, otherwise="love").predict(rows)

    own, other = Calibrated(), Calibrated()
    other.calibrator = Temperature(1.0, "other weights")
    assert load(tiers={"own": own}).health()["own"]["calibrated"] is True
    assert load(tiers={"own": own}).run("hm", threshold=0.5)[0].label == "love"
    assert load(tiers={"own": other}).health()["own"]["calibrated"] is False


def test_load_hands_on_the_checkpointer_and_asks_as_configured() -> None:
    saver = InMemorySaver()
    graph = load(tiers={"primary": UNSURE}, overrides=["emotion.ask=interrupt"], checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "one"}}
    assert graph.run("hm", config=config)[0].status == "needs_clarification"
    state = graph.graph.invoke(Command(resume="joy"), config)
    assert answers_of(state)[0].label == "joy"


def test_a_configured_journal_records_and_is_closed_with_its_graph(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    with load(tiers={"primary": SURE}, overrides=[f"emotion.journal={file}"]) as graph:
        graph.run(["sunny", "grim"])
        graph.run("sunny")
    with JournalReader(file) as reader:
        assert sorted(run.rows for run in reader.runs()) == [1, 2]
    silent = load(tiers={"primary": SURE}, overrides=[f"emotion.journal={file}"], journal=NullJournal())
    silent.run("sunny")
    with JournalReader(file) as reader:
        assert reader.count() == (2, 3)
