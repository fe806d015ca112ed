"""The same run again: identical, or what differs and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

import mendgraph
from mendgraph.core.values import Answer, Input
from mendgraph.errors import JournalError, TierError
from mendgraph.replay.again import open_again, replay
from mendgraph.replay.differences import Cause, Difference, differences
from mendgraph.replay.records import config_of
from mendgraph.runtime.sqlite_journal import SqliteJournal
from mendgraph.testing import Failing, Scripted
from tests.cascades import policy_for
from tests.replay.graphs import recorded, recording
from tests.runtime.records import answer

ROWS: list[Any] = ["hello", "hm", "", 3, None, "😀 nul \0 byte", "\u202eright to left", "x" * 500]


def tiers(fingerprint: str = "one", sure: float = 0.4) -> dict[str, Any]:
    return {
        "primary": Scripted(
            {"hello": ("joy", 0.9)}, otherwise="fear", confidence=sure, fingerprint=fingerprint
        ),
        "backup": Scripted({}, otherwise="anger", confidence=0.8),
    }


@pytest.mark.parametrize("mode", ["stored", "hashed", "omitted"])
def test_a_run_is_repeated_bit_for_bit(tmp_path: Path, mode: Any) -> None:
    graph = recording(tmp_path / "j", tiers(), text=mode)
    graph.run(ROWS, threshold=0.7, down=["primary"])
    graph.run(ROWS)
    texts = None if mode == "stored" else [str(row) for row in ROWS]
    for run in recorded(tmp_path / "j"):
        found = replay(run, graph, texts=texts)
        assert (found.identical, found.compared, found.causes) == (True, len(ROWS), ())
        assert found.now.options == {**run.run.options, "clarifications": {}}


def test_the_batch_is_the_same_and_the_journal_is_left_alone(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", tiers())
    graph.run(["hello", "", "hm"])
    graph.run("hm")
    heard: list[int] = []

    class Counting(Scripted):
        def predict(self, rows: Any) -> Any:
            heard.append(len(rows))
            return super().predict(rows)

    counting = Counting({}, fingerprint="one")
    other = mendgraph.load("emotion", tiers={**tiers(), "primary": counting}, policy=policy_for(tiers()))
    first, second = recorded(tmp_path / "j")
    replay(first, other)
    replay(second, other)
    assert heard == [2, 1]
    assert len(recorded(tmp_path / "j")) == 2


def test_other_weights_are_named_with_what_they_changed(tmp_path: Path) -> None:
    recording(tmp_path / "j", tiers()).run(["hello", "hm"])
    other = recording(tmp_path / "k", tiers("two", sure=0.95), thresholds={"default": 0.7})
    [run] = recorded(tmp_path / "j")
    found = replay(run, other)
    assert not found.identical
    assert Difference(1, "label", "anger", "fear") in found.differences
    assert Difference(0, "trail.0.primary.threshold", "0.6", "0.7") in found.differences
    assert Cause("weights of primary", "one", "two") in found.causes
    assert Cause("threshold of primary", "0.6", "0.7") in found.causes
    assert [c.what for c in found.causes if c.what == "fitted policy"] == ["fitted policy"]


def test_other_versions_are_named_even_where_the_answers_are_the_same(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", tiers())
    graph.run("hello")
    [run] = recorded(tmp_path / "j")
    older = replace(run, run=replace(run.run, versions={**run.run.versions, "torch": "1.0", "threads": "99"}))
    found = replay(older, graph)
    assert found.identical
    assert [(c.what, c.then) for c in found.causes] == [("torch", "1.0"), ("threads", "99")]


def test_a_tier_that_failed_then_and_not_now_is_named(tmp_path: Path) -> None:
    broken = {**tiers(), "primary": Failing(TierError("bad luck"))}
    recording(tmp_path / "j", broken).run(["hello", "hm"])
    found = replay(recorded(tmp_path / "j")[0], recording(tmp_path / "k", tiers()))
    assert not found.identical
    assert Cause("primary, on 2 rows", "failed: tier", "answered") in found.causes


def test_what_the_user_answered_is_answered_again(tmp_path: Path) -> None:
    graph = mendgraph.load(
        "emotion",
        tiers=(unsure := {"primary": Scripted({}, otherwise="fear", confidence=0.4)}),
        policy=policy_for(unsure),
        checkpointer=InMemorySaver(),
        journal=SqliteJournal(tmp_path / "j"),
    )
    thread: Any = {"configurable": {"thread_id": "one"}}
    graph.run(["hmm", "", "hm"], ask="interrupt", config=thread)
    waiting = recorded(tmp_path / "j")[0]
    assert list(waiting.entries) == [1]
    with pytest.raises(JournalError, match=r"2 of 3 rows of run .* wait for the user's answer"):
        replay(waiting, graph)
    graph.graph.invoke(Command(resume={"0": "joy", "2": None}), thread)
    [run] = recorded(tmp_path / "j")
    assert {row: e.answer.status for row, e in run.entries.items()} == {
        0: "accepted",
        1: "failed",
        2: "abstained",
    }
    assert replay(run, graph).identical


def test_texts_that_are_not_kept_must_be_given(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", tiers(), text="hashed")
    graph.run(["hello", "hm"])
    [run] = recorded(tmp_path / "j")
    with pytest.raises(
        JournalError, match=r"does not hold the texts of run .* \(give them with --input FILE"
    ):
        replay(run, graph)
    with pytest.raises(JournalError, match="had 2 rows, got 1 texts"):
        replay(run, graph, texts=["hello"])
    assert not replay(run, graph, texts=["hm", "hm"]).identical


def test_a_graph_put_together_in_code_cannot_be_opened_again(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", tiers())
    graph.run("hello")
    [run] = recorded(tmp_path / "j")
    with pytest.raises(JournalError, match="used tiers given in code"):
        open_again(run.run)
    for changed in (replace(run.run, config={}), replace(run.run, graph="unheard of")):
        with pytest.raises(JournalError, match="put together in code: its configuration is not recorded"):
            open_again(changed)
    with pytest.raises(JournalError, match=r"cannot read its configuration: .*strange"):
        config_of(replace(run.run, config={**run.run.config, "strange": 1}))
    assert config_of(run.run).emotion.model_dump(mode="json", exclude={"journal"}) == run.run.config


def test_differences_name_every_field_but_times() -> None:
    one = answer()
    later = replace(one, trail=tuple(replace(a, seconds=9.0, notes=("late",)) for a in one.trail))
    assert differences(0, one, later) == []
    other = replace(later, confidence=0.91, options=("joy",), trail=later.trail[1:])
    assert {d.field for d in differences(7, one, other)} == {
        "confidence",
        "options",
        "trail.0.primary",
        "trail.1.backup",
        "trail.0.backup",
    }
    assert Difference(7, "trail.0.primary", "primary failed", "(none)") in differences(7, one, other)
    assert differences(0, Answer("a", "failed"), Answer("a", "failed")) == []


def test_preparation_is_the_graphs_own(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", tiers())
    graph.run("hello")
    [run] = recorded(tmp_path / "j")
    shouting = recording(tmp_path / "k", tiers())
    shouting.context = replace(shouting.context, prepare=lambda raw: Input("hm", str(raw)))
    assert not replay(run, shouting).identical


def test_texts_are_read_again_as_they_were_given(tmp_path: Path) -> None:
    """The journal may know more than the answer shows: lone surrogates are read as nothing, but shown as "?"."""
    graph = recording(tmp_path / "j", {"primary": Scripted({"ab": ("joy", 0.9)}, otherwise="fear")})
    graph.run("a\ud800b")
    [run] = recorded(tmp_path / "j")
    assert run.entries[0].answer.input == "a?b"
    told = replace(run, run=replace(run.run, given={"0": "a\ud800b"}))
    assert replay(told, graph).identical
