"""The examples do what they say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.types import Command

from mendgraph.app import MendGraph
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer
from mendgraph.errors import ArtifactMissing
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Scripted
from tests.cascades import IRONY, cascade
from tests.loading import script


def reading() -> MendGraph:
    """Sure of what it knows; of all else it thinks of fear, a little."""
    known = {"I'm so happy today!": "joy", "What a wonderful week!": "joy", "Leave me alone.": "anger"}
    return cascade({"primary": Scripted(lambda text: known.get(text) or ("fear", 0.4))})


@pytest.fixture
def agent() -> Any:
    return script("examples/agent.py").build_agent(reading())


def thread(name: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": name}}


def test_the_agent_routes_on_the_status(agent: Any) -> None:
    state = agent.invoke({"text": "I'm so happy today!"}, thread("a"))
    assert state["reply"] == "That is lovely to hear!"
    assert Answer.from_dict(state["emotion"]).source == "primary"


def test_a_question_pauses_the_agent_and_the_reply_goes_on_through_the_parent(agent: Any) -> None:
    agent.invoke({"text": "Well, that happened."}, thread("a"))
    [pending] = agent.get_state(thread("a")).interrupts
    assert pending.value["rows"][0]["options"][0]["label"] == "fear"
    state = agent.invoke(Command(resume="sadness"), thread("a"))
    assert state["emotion"]["source"] == "user"
    assert state["reply"].startswith("I am sorry")


def test_a_skipped_question_takes_the_careful_way(agent: Any) -> None:
    agent.invoke({"text": "Well, that happened."}, thread("a"))
    state = agent.invoke(Command(resume={"0": None}), thread("a"))
    assert state["emotion"]["status"] == "abstained"
    assert state["reply"].startswith("I am not sure")


def test_parallel_branches_read_their_own_text(agent: Any) -> None:
    notes = ["What a wonderful week!", "Leave me alone.", "", *["I'm so happy today!"] * 5]
    state = agent.invoke({"text": "I'm so happy today!", "notes": notes}, thread("a"))
    assert state["moods"] == [
        "joy: What a wonderful week!",
        "anger: Leave me alone.",
        "unreadable: ",
        *["joy: I'm so happy today!"] * 5,
    ]


def test_branches_finish_while_another_waits_for_the_user(agent: Any) -> None:
    agent.invoke({"text": "Well, that happened.", "notes": ["Leave me alone."]}, thread("a"))
    state = agent.invoke(Command(resume="joy"), thread("a"))
    assert state["moods"] == ["anger: Leave me alone."]
    assert state["reply"] == "That is lovely to hear!"


def test_a_thread_of_the_agent_can_ask_again_and_again(agent: Any) -> None:
    for label in ("joy", "fear", "anger"):
        agent.invoke({"text": "Well, that happened."}, thread("a"))
        assert agent.invoke(Command(resume=label), thread("a"))["emotion"]["label"] == label


def test_the_agent_runs_in_an_event_loop(agent: Any) -> None:
    async def talk() -> Any:
        await agent.ainvoke({"text": "Well, that happened.", "notes": ["Leave me alone."]}, thread("a"))
        return await agent.ainvoke(Command(resume="joy"), thread("a"))

    state = asyncio.run(talk())
    assert (state["emotion"]["label"], state["moods"]) == ("joy", ["anger: Leave me alone."])


def test_the_agent_as_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    script("examples/agent.py").main(reading())
    said = capsys.readouterr().out
    assert "agent: Did you mean fear, joy or sadness?" in said
    assert "earlier - anger: Leave me alone." in said


def test_the_demo_fits_a_screen_and_tells_every_story(capsys: pytest.CaptureFixture[str]) -> None:
    tiers: dict[str, Tier] = {
        "emoji": Scripted({}, otherwise="sadness"),
        "primary": Scripted(
            lambda text: ("joy", 0.95) if "happy today" in text else ("neutral", 0.2), signals={"irony": 0.1}
        ),
        **{f"backup{n}": Scripted({}, otherwise="love", confidence=0.4) for n in range(8)},
    }
    assert script("examples/demo.py").main(cascade(tiers, irony=IRONY, ask="return")) == 0
    said = capsys.readouterr().out
    for words in (
        "“I'm so happy today!”",
        "more steps",
        "by emoji",
        "tier 'primary' is switched off",
        "10 of 10 tiers",
    ):
        assert words in said
    assert len(said.splitlines()) <= 60


def test_the_demo_reports_failure_when_nothing_can_answer() -> None:
    def refused() -> Tier:
        raise ArtifactMissing("weights are missing")

    assert script("examples/demo.py").main(cascade({"primary": Supervised("primary", refused)})) == 1
