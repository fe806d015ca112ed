"""The graph that writes, over scripted tiers: chunks, healing, limits, failures, checkpoints."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError
from mendgraph.nodes.cascade import Cascade
from mendgraph.testing import Failing
from tests.writers import Scribe, graph


def answers(made: Cascade, inputs: Any, **options: Any) -> list[Answer]:
    state = made.invoke({"inputs": inputs, "options": options})
    return [Answer.from_dict(answer) for answer in state["answers"]]


def test_a_sure_tier_writes_everything() -> None:
    first, second = Scribe("writer", "a", [0.9]), Scribe("mixture", "b", [0.9])
    [answer] = answers(graph({"writer": first, "mixture": second}), "go on")
    assert (answer.status, answer.label, answer.source) == ("accepted", "a" * 12, "writer")
    assert answer.value["text"] == answer.best_guess == answer.label
    assert [token["expert"] for token in answer.value["tokens"]] == ["writer"] * 12
    assert answer.confidence == pytest.approx(0.9)
    assert not second.asked
    assert [step.verdict for step in answer.trail] == ["accept"] * 3


def test_only_the_doubtful_chunk_is_written_again() -> None:
    first, second = Scribe("writer", "a", [0.9, 0.2, 0.9]), Scribe("mixture", "b", [0.8])
    [answer] = answers(graph({"writer": first, "mixture": second}), "go on")
    assert answer.label == "aaaabbbbaaaa"
    assert [(s.tier, s.verdict) for s in answer.trail] == [
        ("writer", "accept"), ("writer", "defer"), ("mixture", "accept"), ("writer", "accept"),
    ]  # fmt: skip
    assert answer.trail[1].prediction is not None
    assert answer.trail[1].prediction.value == {"text": "aaaa", "tokens": [4, 8]}
    assert answer.confidence == pytest.approx((0.9 + 0.8 + 0.9) / 3)


def test_rows_heal_on_their_own() -> None:
    class Moody(Scribe):
        def _one(self, row):  # type: ignore[no-untyped-def]
            self.sureness = [0.9 if row.text == "calm" else 0.1]
            return super()._one(row)

    first, second = Moody("writer", "a", [0.9]), Scribe("mixture", "b", [0.9])
    found = answers(graph({"writer": first, "mixture": second}), ["calm", "wild", "calm"])
    assert [answer.label for answer in found] == ["a" * 12, "b" * 12, "a" * 12]
    assert second.asked == [[1]] * 3


def test_in_endless_doubt_the_surest_draft_stays() -> None:
    tiers = {"writer": Scribe("writer", "a", [0.3]), "mixture": Scribe("mixture", "b", [0.2])}
    [answer] = answers(graph(tiers), "go on")
    assert (answer.status, answer.label) == ("accepted", "a" * 12)
    assert "the surest of writer, mixture" in answer.trail[2].reason


@pytest.mark.parametrize("way", [{"temperature": 0.7}, {"force": "writer"}])
def test_what_was_asked_for_is_not_doubted(way: dict[str, Any]) -> None:
    tiers = {"writer": Scribe("writer", "a", [0.1]), "mixture": Scribe("mixture", "b", [0.9])}
    [drawn, plain] = answers(
        graph(tiers), [{"prompt": "go on", **way}, {"prompt": "go on", "temperature": 0}]
    )
    assert (drawn.label, drawn.source) == ("a" * 12, "writer")
    assert drawn.confidence == pytest.approx(0.1)
    assert plain.label == "b" * 12
    [healed] = answers(graph({**tiers, "writer": Failing("writer")}), {"prompt": "go on", **way})
    assert healed.label == "b" * 12


def test_a_dead_tier_is_replaced_chunk_by_chunk() -> None:
    tiers = {"writer": Failing("writer"), "mixture": Scribe("mixture", "b", [0.9])}
    [answer] = answers(graph(tiers), "go on")
    assert (answer.status, answer.label, answer.source) == ("accepted", "b" * 12, "mixture")
    scribes = {"writer": Scribe("writer", "a", [0.9]), "mixture": Scribe("mixture", "b", [0.9])}
    [answer] = answers(graph(scribes), "go on", down=["writer"])
    assert answer.label == "b" * 12


def test_where_nobody_can_write_the_row_fails_and_says_why() -> None:
    [answer] = answers(graph({"writer": Failing("writer")}), "go on")
    assert answer.status == "failed"
    assert answer.error is not None
    assert "no tier could write" in answer.error.message


def test_rows_that_cannot_be_read_harm_nobody() -> None:
    rows = [
        "go on",
        "",
        None,
        {"prompt": "x", "colour": 1},
        {"prompt": "x", "top_p": 3},
        '{"prompt": "x", "seed": 4}',
    ]
    found = answers(graph({"writer": Scribe("writer", "a", [0.9])}), rows)
    assert [answer.status for answer in found] == ["accepted", *["failed"] * 4, "accepted"]
    assert found[3].error is not None
    assert "colour" in found[3].error.message


def test_who_forces_an_expert_is_not_healed() -> None:
    first, second = Scribe("writer", "a", [0.1]), Scribe("mixture", "b", [0.9])
    [answer] = answers(graph({"writer": first, "mixture": second}), {"prompt": "x", "force": "math"})
    assert answer.label == "a" * 12
    assert not second.asked


def test_a_spent_budget_leaves_what_is_written() -> None:
    [answer] = answers(graph({"writer": Scribe("writer", "a", [0.9])}), "go on", budget=2.0)
    assert (answer.status, answer.partial, answer.label) == ("abstained", True, None)
    assert answer.best_guess == "a" * 8
    assert "budget" in answer.trail[-1].reason


def test_events_tell_of_accepted_chunks_only() -> None:
    tiers = {"writer": Scribe("writer", "a", [0.9, 0.2]), "mixture": Scribe("mixture", "b", [0.8])}
    events = list(graph(tiers).stream({"inputs": ["x"], "options": {}}, stream_mode="custom"))
    chunks = [event for event in events if event["event"] == "chunk"]
    assert "".join(event["text"] for event in chunks) == "aaaabbbbbbbb"
    assert [len(event["tokens"]) for event in chunks] == [4, 4, 4]
    assert events[-1]["event"] == "answer"


def test_a_run_goes_on_from_the_last_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=()))
    config: Any = {"configurable": {"thread_id": "one"}}
    scribe = Scribe("writer", "a", [0.9])
    whole = scribe.predict

    def dies(rows):  # type: ignore[no-untyped-def]
        if len(scribe.asked) == 3:  # begun, and two chunks written
            raise KeyboardInterrupt
        return whole(rows)

    made = graph({"writer": scribe}, checkpointer=saver)
    with monkeypatch.context() as patch:
        patch.setattr(scribe, "predict", dies)
        with pytest.raises(KeyboardInterrupt):
            made.invoke({"inputs": ["x"], "options": {}}, config, durability="sync")
    assert made.get_state(config).values["texts"][0]["text"] == "a" * 8
    again = graph({"writer": (later := Scribe("writer", "b", [0.9]))}, checkpointer=saver)
    state = again.invoke(None, config, durability="sync")
    assert state["answers"][0]["label"] == "aaaaaaaabbbb"
    assert len(later.asked) == 1


def test_a_thread_begins_anew_with_its_next_run() -> None:
    saver, config = InMemorySaver(), {"configurable": {"thread_id": "one"}}
    made = graph({"writer": Scribe("writer", "a", [0.9])}, checkpointer=saver)
    for _ in range(2):
        state = made.invoke({"inputs": ["x"], "options": {}}, config)  # type: ignore[arg-type]
        assert state["answers"][0]["label"] == "a" * 12
        assert len(state["answers"][0]["trail"]) == 3


def test_a_graph_without_tiers_or_tokens_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one tier"):
        graph({})
    with pytest.raises(ConfigError, match="chunk"):
        graph({"writer": Scribe("writer", "a", [0.9])}, chunk=0)
