"""The conflict graph over scripted tiers: routes, verdicts, failures, limits, checkpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from mendgraph.adapters.conflict_values import ConflictValuesTier
from mendgraph.conflict import prepare_row
from mendgraph.core.calibration import Vector
from mendgraph.core.conflict import LEVELS, Document, documents_of
from mendgraph.core.conflict_stages import Stage, Ways, agreement, drafted
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.thresholds import NEVER
from mendgraph.core.tier import Tier
from mendgraph.core.values import Answer, Failure, Input, Prediction
from mendgraph.errors import ConfigError, TierError
from mendgraph.nodes.cascade import Cascade
from mendgraph.nodes.conflict import ConflictState, build_conflict
from mendgraph.nodes.conflict_finding import Shelf
from mendgraph.nodes.context import Context
from mendgraph.testing import Failing, Scripted

TEMPORAL = {
    "question": "When did the Ostra Bridge open?",
    "documents": [
        "[2003, newspaper] The Ostra Bridge opened in 1927.",
        "[2021] The Ostra Bridge opened in 1931.",
    ],
}
CALM = {"question": "When did the Elm Bridge open?", "documents": ["The Elm Bridge opened in 1950."] * 2}
STANCE = {
    "question": "Is the Ostra Bridge safe?",
    "documents": ["The Ostra Bridge is safe.", "The Ostra Bridge is not safe."],
}


class Reads:
    """Reads as a script says.

    Args:
        answers: stage -> answer, or -> (answer, confidence); what documents say is compared, not read.
        fails: stages at which it returns a failure.
    """

    def __init__(
        self,
        answers: Mapping[str, Any] | None = None,
        *,
        fails: Sequence[str] = (),
        vote: Mapping[str, Any] | None = None,
        name: str = "reader",
    ) -> None:
        self.name, self.fingerprint = name, f"reads-{name}"
        self.answers = {"answer": "1950", "refine": "1931", "verify": "1931", **(answers or {})}
        self.fails, self.vote = fails, vote
        self.asked: list[tuple[str, int]] = []

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        stages = [Stage(**row.facts["stage"]) for row in rows]
        self.asked += [(stage.name, len(rows)) for stage in stages[:1]]
        return [self._one(row, stage) for row, stage in zip(rows, stages, strict=True)]

    def _one(self, row: Input, stage: Stage) -> Prediction | Failure:
        if stage.name in self.fails:
            return Failure.of(TierError(f"{self.name} cannot {stage.name}", hint="a double"))
        cost = {"passes": 0.5, "tokens": 50, "notes": [f"{stage.name} was short"]}
        said = {document.id: _says(document) for document in documents_of(row)}
        if stage.name == "detect":
            return agreement(0.9 if len({*said.values()} - {None}) > 1 else 0.1, cost)
        text = self.answers[stage.name]
        text, sure = text if isinstance(text, tuple) else (text, 0.9)
        more: dict[str, Any] = {"values": said} if stage.name == "verify" else {}
        if stage.samples:
            more["vote"] = self.vote
        return replace(drafted(sure, {"text": text, **cost, **more}), confidence=sure)


def _says(document: Document) -> str | None:
    found = [word.strip(".") for word in document.text.split() if word.strip(".").isdigit()]
    if found:
        return found[-1]
    return ("no" if " not " in document.text else "yes") if "safe" in document.text else None


def levels(level: str = "temporal", sure: float = 0.9) -> Scripted:
    return Scripted(lambda text: (level, sure), labels=LEVELS)


def tiers(reader: Tier | None = None, level: str = "temporal", **more: Tier) -> dict[str, Tier]:
    return {
        "reader": reader or Reads(),
        "types": levels(level),
        "values": ConflictValuesTier("values"),
        **more,
    }


def graph(
    made: Mapping[str, Tier],
    *,
    ways: Ways | None = None,
    shelf: Shelf | None = None,
    checkpointer: Any = None,
    thresholds: Mapping[str, float] | None = None,
    **more: Any,
) -> Cascade:
    policy = HealingPolicy(LEVELS, thresholds={"default": 0.6, **(thresholds or {})})
    context = Context(prepare=prepare_row, tiers=dict(made), policy=policy, **more)
    return build_conflict(
        "conflict", context, state=ConflictState, ways=ways, shelf=shelf, checkpointer=checkpointer
    )


def answers(made: Cascade, inputs: Any, **options: Any) -> list[Answer]:
    state = made.invoke({"inputs": inputs, "options": options})
    found = [Answer.from_dict(answer) for answer in state["answers"]]
    for answer in found:
        json.dumps(answer.to_dict())
    return found


def test_documents_that_agree_are_answered_plainly() -> None:
    reader = Reads()
    [answer] = answers(graph(tiers(reader)), CALM)
    assert (answer.status, answer.label, answer.source) == ("accepted", "1950", "reader")
    value = answer.value
    assert (value["text"], value["conflict"], value["level"], value["code"]) == ("1950", False, "none", "")
    assert value["done"] == ["detected", "read"]
    assert (value["passes"], value["tokens"]) == (1.0, 100)
    assert value["notes"] == ["detect was short", "answer was short"]
    assert [one["document"] for one in value["passages"]] == ["d1", "d2"]
    assert [stage for stage, _ in reader.asked] == ["detect", "answer"]
    assert [step.verdict for step in answer.trail] == ["defer", "accept"]


def test_a_shallow_conflict_is_refined() -> None:
    reader = Reads()
    [answer] = answers(graph(tiers(reader)), TEMPORAL)
    assert (answer.status, answer.label) == ("accepted", "1931")
    assert (answer.value["conflict"], answer.value["level"], answer.value["code"]) == (True, "temporal", "L1")
    assert answer.value["done"] == ["detected", "typed", "refined"]
    assert [one["says"] for one in answer.value["passages"]] == ["1927", "1931"]
    assert [side["documents"] for side in answer.value["sides"]] == [["d1"], ["d2"]]
    assert [(step.tier, step.verdict) for step in answer.trail] == [
        ("reader", "defer"), ("types", "defer"), ("reader", "accept"),
    ]  # fmt: skip
    assert sum(answer.value["levels"].values()) == pytest.approx(1)
    assert [stage for stage, _ in reader.asked] == ["detect", "refine"]


@pytest.mark.parametrize(
    ("refined", "reason"),
    [(("1931", 0.2), "is below"), ("1999", "no document says so"), ("", "it wrote nothing")],
)
def test_a_doubtful_refinement_is_verified(refined: Any, reason: str) -> None:
    [answer] = answers(graph(tiers(Reads({"refine": refined}))), TEMPORAL)
    assert (answer.status, answer.label) == ("accepted", "1931")
    assert answer.value["done"] == ["detected", "typed", "refined", "values", "most_recent"]
    assert reason in answer.trail[2].reason
    assert "the latest document, of 2021" in answer.value["reason"]
    assert answer.value["passes"] == 1.5


@pytest.mark.parametrize(("level", "sure"), [("entity", 0.9), ("temporal", 0.4)])
def test_deep_and_unsure_levels_are_verified_at_once(level: str, sure: float) -> None:
    reader = Reads()
    [answer] = answers(graph({**tiers(reader), "types": levels(level, sure)}), TEMPORAL)
    assert [stage for stage, _ in reader.asked] == ["detect", "verify"]
    assert answer.value["level"] == "temporal"  # by the kind of what the documents say


def test_what_no_rule_decides_is_abstained_from_with_all_sides() -> None:
    undated = {
        **TEMPORAL,
        "documents": ["The Ostra Bridge opened in 1927.", "The Ostra Bridge opened in 1931."],
    }
    [answer] = answers(graph(tiers(Reads({"verify": ("1927", 0.7)}), "entity")), undated)
    assert (answer.status, answer.label, answer.best_guess) == ("abstained", None, "1927")
    assert [side["value"] for side in answer.value["sides"]] == ["1927", "1931"]
    assert "none of the documents has a date" in answer.value["reason"]
    assert answer.source == ""


def test_where_no_document_answers_nothing_is_guessed() -> None:
    rain = {"question": "When did it open?", "documents": ["A poem about rain.", "A song about snow."]}
    [answer] = answers(graph(tiers(Reads({"answer": ("790 feet", 0.1)}))), rain)
    assert (answer.status, answer.best_guess, answer.value["text"]) == ("abstained", "nothing", None)
    assert answer.value["reason"] == "no document answers the question"
    assert (answer.value["passages"], answer.value["sides"], answer.confidence) == ([], [], None)


def test_of_a_dispute_both_sides_are_told() -> None:
    [answer] = answers(graph(tiers(Reads({"verify": "disputed"}), "semantic")), STANCE)
    assert (answer.status, answer.label, answer.value["code"]) == ("accepted", "disputed", "L4")
    assert [(one["says"], one["document"]) for one in answer.value["passages"]] == [
        ("yes", "d1"),
        ("no", "d2"),
    ]
    assert answer.value["done"][-1] == "both_sides"


@pytest.mark.parametrize(
    ("verify", "text", "done"),
    [
        ("policy", "1931", ["values", "most_recent"]),
        ("samples", "1927", ["samples 5"]),
        ("both", "1931", ["values", "most_recent"]),
    ],
)
def test_verification_by_rule_or_by_vote(verify: Any, text: str, done: list[str]) -> None:
    vote = {"text": "1927", "share": 0.8, "counts": [["1927", 4], ["1931", 1]]}
    made = graph(tiers(Reads(vote=vote), "entity"), ways=Ways(verify=verify, samples=5))
    asked = {**TEMPORAL, "question": "Going by the most recent text: " + TEMPORAL["question"]}  # type: ignore[operator]
    [answer] = answers(made, asked)
    assert answer.best_guess == text
    assert answer.value["done"][2:] == done


def test_rows_of_one_batch_go_their_own_ways() -> None:
    reader = Reads({"verify": "disputed"})
    rows = [
        CALM,
        TEMPORAL,
        {"question": "When?", "documents": ["In 1950."]},
        {**CALM, "documents": []},
        7,
        STANCE,
    ]
    made = {
        **tiers(reader),
        "types": Scripted(lambda text: ("semantic" if "safe" in text else "temporal", 0.9), labels=LEVELS),
    }
    found = answers(graph(made), rows)
    assert [answer.best_guess for answer in found] == ["1950", "1931", "1950", None, None, "disputed"]
    assert [answer.status for answer in found] == ["accepted"] * 3 + ["failed"] * 2 + ["accepted"]
    assert found[2].value["done"][0] == "one document"
    assert dict(reader.asked) == {"detect": 3, "answer": 2, "refine": 1, "verify": 1}


def test_without_a_reader_nothing_is_accepted_and_both_claims_are_shown() -> None:
    made = tiers(Failing(name="reader"))
    [answer, calm] = answers(graph(made), [TEMPORAL, CALM])
    assert (answer.status, answer.label, answer.best_guess) == ("abstained", None, "1931")
    assert [one["says"] for one in answer.value["passages"]] == ["1927", "1931"]
    assert answer.value["probability"] == pytest.approx(0.975)
    assert answer.value["done"] == ["typed", "compared"]
    assert "no reader could check the answer" in answer.value["reason"]
    assert calm.status == "abstained"
    assert calm.best_guess == "1950"


def test_without_reader_and_types_values_decide_alone() -> None:
    made = {**tiers(Failing(name="reader")), "types": Failing(name="types")}
    [answer] = answers(graph(made), TEMPORAL)
    assert (answer.status, answer.value["conflict"], answer.value["level"]) == ("abstained", True, "temporal")
    assert answer.value["done"] == ["compared"]
    nobody = {"reader": Failing(name="reader")}
    [answer] = answers(graph(nobody), TEMPORAL)
    assert answer.status == "failed"
    assert answer.error is not None
    assert "scripted failure" in answer.error.message


def test_a_backup_reader_answers_in_its_place() -> None:
    backup = Reads(name="backup")
    made = {"reader": Failing(name="reader"), **tiers(), "backup": backup}
    made["reader"] = Failing(name="reader")
    [answer] = answers(graph(made), TEMPORAL)
    assert (answer.status, answer.label, answer.source) == ("accepted", "1931", "backup")
    assert [step.tier for step in answer.trail] == ["reader", "backup", "types", "reader", "backup"]


@pytest.mark.parametrize("stage", ["detect", "answer", "refine", "verify"])
def test_a_stage_that_fails_never_loses_a_row(stage: str) -> None:
    rows = [TEMPORAL, CALM, STANCE]
    found = answers(graph(tiers(Reads({"refine": ("1931", 0.1)}, fails=[stage]))), rows)
    assert all(answer.best_guess is not None for answer in found)
    assert {answer.status for answer in found} <= {"accepted", "abstained"}
    shown = [step.failure.message for answer in found for step in answer.trail if step.failure]
    assert any(f"cannot {stage}" in message for message in shown)


def test_bad_predictions_count_as_failures() -> None:
    class Wild(Reads):
        def _one(self, row: Input, stage: Stage) -> Prediction | Failure:
            return Prediction("joy", {"joy": 1.0}, 1.0)

    [answer] = answers(graph(tiers(Wild())), TEMPORAL)
    assert answer.status == "abstained"
    assert "outside the label space" in answer.trail[0].failure.message  # type: ignore[union-attr]


def test_a_switched_off_reader_is_not_asked() -> None:
    reader = Reads()
    [answer] = answers(graph(tiers(reader)), TEMPORAL, down=["reader"])
    assert reader.asked == []
    assert answer.status == "abstained"


@pytest.mark.parametrize(("budget", "best"), [(0.0, "1931"), (0.5, "1931"), (1.5, "1931"), (2.0, "1931")])
def test_a_spent_budget_leaves_the_best_answer_so_far(budget: float, best: str) -> None:
    made = graph(tiers(Reads({"refine": ("1931", 0.1)})), costs={"values": 0.0})
    [answer] = answers(made, TEMPORAL, budget=budget)
    assert (answer.partial, answer.label, answer.best_guess) == (True, None, best)
    assert any("budget" in step.reason for step in answer.trail)
    [whole] = answers(made, TEMPORAL, budget=3.5)
    assert (whole.partial, whole.label) == (False, "1931")


def test_a_passed_deadline_leaves_the_best_answer_so_far() -> None:
    ticks = iter(range(1000))
    made = graph(tiers(Reads({"refine": ("1931", 0.1)})), clock=lambda: float(next(ticks)))
    [answer] = answers(made, TEMPORAL, deadline_s=3.0)
    assert (answer.status, answer.partial) == ("abstained", True)
    assert answer.best_guess in ("1927", "1931")
    assert any("the run's 3 s are spent" in step.reason for step in answer.trail)
    [late] = answers(made, TEMPORAL, deadline_s=1e-9)
    assert (late.status, late.partial, late.error is None) == ("failed", True, False)


def test_a_threshold_of_the_run_goes_for_answers() -> None:
    [strict] = answers(graph(tiers()), TEMPORAL, threshold=1.0)
    assert (strict.status, strict.best_guess) == ("abstained", "1931")
    [easy] = answers(graph(tiers(Reads({"refine": ("1931", 0.0)}))), TEMPORAL, threshold=0.0)
    assert (easy.status, easy.value["done"][-1]) == ("accepted", "refined")
    [calm] = answers(graph(tiers(), thresholds={"detect": 0.95}), TEMPORAL)
    assert not calm.value["conflict"]


def test_documents_are_found_for_rows_without() -> None:
    shelf = Shelf(
        lambda question, most: [Document(f"f{n}", text) for n, text in enumerate(TEMPORAL["documents"])]
    )
    [answer] = answers(graph(tiers(), shelf=shelf), TEMPORAL["question"])
    assert answer.label == "1931"
    assert (
        len(documents_of(prepare_row(answer.input))) == 2
    )  # so that the answer can be given again as it was
    assert [one["document"] for one in answer.value["passages"]] == ["f0", "f1"]
    shelf.find = lambda question, most: []
    [nothing] = answers(graph(tiers(), shelf=shelf), "what?")
    assert (nothing.status, nothing.error.kind) == ("failed", "input")  # type: ignore[union-attr]
    shelf.find = None
    [nowhere, fine] = answers(graph(tiers(), shelf=shelf), ["what?", CALM])
    assert "nowhere to look" in nowhere.error.message  # type: ignore[union-attr]
    assert fine.accepted


def test_drafts_that_the_policy_never_believes_are_not_written() -> None:
    reader = Reads()
    never = {"reader": NEVER, "refined": NEVER, "values": 0.5}
    found = answers(
        graph(tiers(reader), thresholds=never), [TEMPORAL, CALM, {**CALM, "documents": ["In 1950."]}]
    )
    assert [answer.label for answer in found] == ["1931", "1950", "1950"]
    assert [stage for stage, _ in reader.asked] == ["detect", "verify"]


def test_what_was_detected_is_calibrated_where_a_policy_was_fitted() -> None:
    fitted = Vector((1.0, 1.0), (-9.0, 0.0), "reads-reader")
    policy = HealingPolicy(LEVELS, {"detect": fitted}, thresholds={"default": 0.5})
    context = Context(prepare=prepare_row, tiers=tiers(), policy=policy)
    [answer] = answers(build_conflict("conflict", context, state=ConflictState), TEMPORAL)
    assert answer.value["probability"] < 0.01
    assert not answer.value["conflict"]


def test_events_tell_attempts_verdicts_and_answers() -> None:
    events = list(graph(tiers()).stream({"inputs": [TEMPORAL], "options": {}}, stream_mode="custom"))
    kinds = [event["event"] for event in events]
    assert kinds.count("attempt") == kinds.count("verdict") == 3
    assert kinds[-1] == "answer"


def test_a_run_goes_on_from_the_last_step(monkeypatch: pytest.MonkeyPatch) -> None:
    saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=()))
    config: Any = {"configurable": {"thread_id": "one"}}
    reader = Reads()
    whole = reader.predict

    def dies(rows: Sequence[Input]) -> Any:
        if rows[0].facts["stage"]["name"] == "refine":
            raise KeyboardInterrupt
        return whole(rows)

    made = graph(tiers(reader), checkpointer=saver)
    with monkeypatch.context() as patch:
        patch.setattr(reader, "predict", dies)
        with pytest.raises(KeyboardInterrupt):
            made.invoke({"inputs": [TEMPORAL], "options": {}}, config, durability="sync")
    assert made.get_state(config).values["cases"][0]["next"] == "refine"
    later = Reads({"refine": "1931"})
    state = graph(tiers(later), checkpointer=saver).invoke(None, config, durability="sync")
    assert state["answers"][0]["label"] == "1931"
    assert [stage for stage, _ in later.asked] == ["refine"]
    again = made.invoke({"inputs": [CALM], "options": {}}, config)
    assert [answer["label"] for answer in again["answers"]] == ["1950"]


def test_a_graph_without_a_reader_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a tier that reads"):
        graph({"types": levels(), "values": ConflictValuesTier("values")})
