"""The emotion cascade over scripted tiers: who answers, what heals, in what order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.app import answers_of
from mendgraph.core.values import Answer, Failure, Input, Prediction
from mendgraph.errors import ConfigError, OutOfMemory
from mendgraph.graphs.emotion import LABELS
from mendgraph.runtime.journal import JsonLinesJournal
from mendgraph.testing import Failing, Scripted
from tests.cascades import IRONY, cascade, pooling, tried, verdicts

SURE = Scripted({"sunny": "joy", "grim": "sadness"}, otherwise="neutral")
UNSURE = Scripted({}, otherwise="joy", confidence=0.4)


def without_time(answer: Answer) -> Answer:
    return replace(answer, trail=tuple(replace(step, seconds=0.0) for step in answer.trail))


def test_a_sure_primary_settles_the_row_alone() -> None:
    backup = Scripted({})
    graph = cascade({"primary": SURE, "backup": backup})
    [answer] = graph.run("sunny")
    assert (answer.status, answer.label, answer.source) == ("accepted", "joy", "primary")
    assert answer.confidence == pytest.approx(0.9)
    assert answer.value.keys() == set(LABELS)
    assert backup.asked == []


def test_a_doubtful_primary_is_healed_by_the_backup() -> None:
    graph = cascade({"primary": UNSURE, "backup": Scripted({}, otherwise="anger", confidence=0.8)})
    [answer] = graph.run("hmm")
    assert (answer.label, answer.source) == ("anger", "backup")
    assert tried(answer) == ["primary", "backup"]
    assert verdicts(answer) == ["defer", "accept"]
    assert "0.400 is below 0.600" in answer.trail[0].reason


def test_a_failing_primary_is_healed_and_its_error_kept() -> None:
    broken = Failing(OutOfMemory("no room for 32 rows", hint="make batches smaller"))
    [answer] = cascade({"primary": broken, "backup": SURE}).run("grim")
    assert (answer.status, answer.label, answer.source) == ("accepted", "sadness", "backup")
    failure = answer.trail[0].failure
    assert failure is not None
    assert (failure.kind, failure.hint, failure.retryable) == ("out_of_memory", "make batches smaller", True)


def test_when_every_tier_is_dead_the_row_fails_and_says_why() -> None:
    [answer] = cascade({"primary": Failing(), "backup": Failing()}).run("sunny")
    assert (answer.status, answer.label, answer.best_guess) == ("failed", None, None)
    assert answer.error is not None
    assert answer.error.kind == "no_tier_answered"
    assert "primary: scripted failure; backup: scripted failure" in answer.error.message
    assert answer.error.hint == "this tier is a test double"


def test_a_crash_is_healed_and_the_trail_names_it() -> None:
    [answer] = cascade({"primary": Failing(ZeroDivisionError("a bug")), "backup": SURE}).run("sunny")
    assert (answer.label, answer.source) == ("joy", "backup")
    failure = answer.trail[0].failure
    assert failure is not None
    assert failure.kind == "crashed"
    assert "ZeroDivisionError: a bug" in failure.message


def test_a_dead_last_tier_leaves_the_earlier_guess_as_best_guess() -> None:
    [answer] = cascade({"primary": UNSURE, "backup": Failing()}).run("hmm")
    assert (answer.status, answer.label, answer.best_guess) == ("abstained", None, "joy")


def test_weights_without_calibration_are_never_accepted_alone() -> None:
    [answer] = cascade({"primary": SURE}, calibrators={}).run("sunny")
    assert (answer.status, answer.best_guess, answer.confidence) == ("abstained", "joy", None)
    assert "no calibration fits these weights" in answer.trail[0].reason


def test_irony_reopens_a_confident_joy() -> None:
    ironic = Scripted({}, otherwise="joy", confidence=0.97, signals={"irony": 0.9})
    backup = Scripted({}, otherwise="anger", confidence=0.8)
    graph = cascade({"primary": ironic, "backup": backup}, irony=IRONY)
    [answer] = graph.run("Oh great, another Monday. Just perfect.")
    assert (answer.label, answer.source) == ("anger", "backup")
    assert tried(answer) == ["primary", "irony", "backup"]
    assert verdicts(answer) == ["accept", "defer", "accept"]
    assert "reads as ironic (p = 0.90), so 'joy' is doubted" in answer.trail[1].reason


@pytest.mark.parametrize(("label", "irony"), [("joy", 0.2), ("anger", 0.9)])
def test_irony_leaves_plain_texts_and_negative_readings_alone(label: str, irony: float) -> None:
    primary = Scripted({}, otherwise=label, confidence=0.97, signals={"irony": irony})
    [answer] = cascade({"primary": primary, "backup": Scripted({})}, irony=IRONY).run("a text")
    assert (answer.label, answer.source, tried(answer)) == (label, "primary", ["primary"])


def test_an_ironic_reading_that_is_sure_enough_leaves_the_cascade() -> None:
    ironic = Scripted({}, otherwise="joy", confidence=0.5, signals={"irony": 0.9})
    backup = Scripted({})
    graph = cascade(
        {"primary": ironic, "backup": backup}, irony=IRONY, thresholds={"primary": 0.6, "irony": 0.05}
    )
    [answer] = graph.run("lovely weather for a flood")
    assert (answer.status, answer.source) == ("accepted", "irony")
    assert backup.asked == []


def test_two_weak_tiers_that_agree_are_combined() -> None:
    tiers = {
        "primary": Scripted({}, otherwise="fear", confidence=0.5),
        "backup": Scripted({}, otherwise="fear", confidence=0.55),
    }
    [answer] = cascade(tiers, **pooling(tiers, [1.0, 1.0])).run("who is there")
    assert (answer.label, answer.source) == ("fear", "combined")
    assert tried(answer) == ["primary", "backup", "combined"]
    assert answer.confidence is not None
    assert answer.confidence > 0.8


def test_a_combination_fitted_for_other_weights_is_left_out() -> None:
    tiers = {
        "primary": Scripted({}, otherwise="fear", confidence=0.5),
        "backup": Scripted({}, otherwise="fear", confidence=0.55),
    }
    fields = {**pooling(tiers, [1.0, 1.0]), "fingerprints": {"primary": "scripted", "backup": "others"}}
    [answer] = cascade(tiers, **fields).run("who is there")
    assert (answer.status, tried(answer)) == ("abstained", ["primary", "backup"])


def test_only_emoji_rows_visit_the_emoji_tier() -> None:
    emoji, primary = Scripted({}, otherwise="love"), Scripted({}, otherwise="neutral")
    first, second = cascade({"emoji": emoji, "primary": primary}).run(["😍😍", "see you at noon"])
    assert (first.source, second.source) == ("emoji", "primary")
    assert len(emoji.asked) == len(primary.asked) == 1


def test_an_unsure_emoji_tier_defers_to_the_models() -> None:
    emoji = Scripted({}, otherwise="love", confidence=0.3)
    [answer] = cascade({"emoji": emoji, "primary": Scripted({}, otherwise="joy")}).run("😍")
    assert (answer.label, tried(answer)) == ("joy", ["emoji", "primary"])


@pytest.mark.parametrize("bad", ["", "  \n", None, 7, float("nan"), b"bytes", ["a", "list"], object()])
def test_one_bad_row_among_a_thousand_harms_no_other(bad: object) -> None:
    rows: list[object] = ["sunny", "grim"] * 500
    rows[617] = bad
    answers = cascade({"primary": SURE}).run(rows)
    assert answers[617].status == "failed"
    assert answers[617].error is not None
    assert answers[617].error.kind == "input"
    assert [a.label for i, a in enumerate(answers) if i != 617] == [
        "sadness" if i % 2 else "joy" for i in range(1000) if i != 617
    ]


def test_rows_no_tier_can_answer_do_not_stop_the_others() -> None:
    class Picky(Scripted):
        def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
            said = super().predict(rows)
            return [Failure("tier", "no") if r.text == "grim" else p for r, p in zip(rows, said, strict=True)]

    first, second = cascade({"primary": Picky({"sunny": "joy"})}).run(["grim", "sunny"])
    assert (first.status, second.label) == ("failed", "joy")


def test_order_is_kept_and_each_tier_is_called_once_for_all_rows_still_open() -> None:
    primary = Scripted(lambda text: ("joy", 0.9 if text.endswith("sure") else 0.3))
    backup = Scripted(lambda text: "anger" if text.startswith("a") else "fear")
    rows = ["a doubt", "b sure", "c doubt", "a sure", "a second doubt"]
    answers = cascade({"primary": primary, "backup": backup}).run(rows)
    assert [a.input for a in answers] == rows
    assert [a.label for a in answers] == ["anger", "joy", "fear", "joy", "anger"]
    assert primary.asked == rows
    assert backup.asked == ["a doubt", "c doubt", "a second doubt"]


@given(st.lists(st.sampled_from(["sunny", "grim", "meh", "😍", "", "ironic"]), max_size=12))
def test_a_batch_equals_its_rows_one_by_one(rows: list[str]) -> None:
    def primary(text: str) -> tuple[str, float]:
        return {"sunny": ("joy", 0.9), "grim": ("sadness", 0.55)}.get(text, ("neutral", 0.3))

    tiers = {
        "emoji": Scripted({}, otherwise="love", confidence=0.7),
        "primary": Scripted(primary),
        "backup": Scripted({"grim": "sadness", "meh": ("disgust", 0.5)}, confidence=0.7),
    }
    graph = cascade(tiers, ask="return")
    together = [without_time(a) for a in graph.run(rows)]
    alone = [without_time(a) for row in rows for a in graph.run([row])]
    assert together == alone


def test_a_run_may_ask_for_another_threshold() -> None:
    graph = cascade({"primary": SURE, "backup": Scripted({}, otherwise="fear", confidence=0.95)})
    assert graph.run("sunny", threshold=0.92)[0].source == "backup"
    assert graph.run("sunny", threshold=0.0)[0].source == "primary"
    assert graph.run("sunny")[0].source == "primary"


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_the_unit_interval_is_refused(threshold: float) -> None:
    with pytest.raises(ConfigError, match=r"threshold: expected a number in \[0, 1\]"):
        cascade({"primary": SURE}).run("sunny", threshold=threshold)


def test_a_tier_that_is_switched_off_is_not_called() -> None:
    primary = Scripted({})
    [answer] = cascade({"primary": primary, "backup": SURE}).run("sunny", down=["primary"])
    assert (answer.label, answer.source) == ("joy", "backup")
    assert primary.asked == []
    failure = answer.trail[0].failure
    assert failure is not None
    assert (failure.kind, failure.hint) == ("tier_down", "bring it back with /restore primary")


def test_switching_off_an_unknown_tier_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown tiers \['primry'\] \(known: primary\)"):
        cascade({"primary": SURE}).run("sunny", down=["primry"])


def test_never_asking_abstains_with_the_best_guess() -> None:
    [answer] = cascade({"primary": UNSURE}, ask="never").run("hmm")
    assert (answer.status, answer.label, answer.best_guess, answer.options) == ("abstained", None, "joy", ())


def test_asking_by_return_offers_what_is_plausible() -> None:
    graph = cascade({"primary": Scripted({}, otherwise="joy", confidence=0.5)}, ask="return")
    [answer] = graph.run("hmm")
    assert (answer.status, answer.label, answer.best_guess) == ("needs_clarification", None, "joy")
    assert len(answer.options) >= 2
    assert answer.options[0] == "joy"


def test_a_clarification_known_beforehand_settles_the_row() -> None:
    [answer] = cascade({"primary": UNSURE}, ask="return").run("hmm", clarifications={0: "fear"})
    assert (answer.status, answer.label, answer.source, answer.confidence) == (
        "accepted",
        "fear",
        "user",
        1.0,
    )
    assert tried(answer) == ["primary", "user"]


def test_clarifications_reach_the_unsettled_rows_and_leave_the_others_alone() -> None:
    graph = cascade(
        {"primary": Scripted(lambda text: "joy" if text == "sunny" else ("fear", 0.3))}, ask="return"
    )
    settled, told, silent = graph.run(["sunny", "hmm", "hm"], clarifications={0: "anger", 1: "disgust"})
    assert (settled.label, settled.source) == ("joy", "primary")
    assert (told.label, told.source) == ("disgust", "user")
    assert (silent.status, silent.best_guess) == ("needs_clarification", "fear")


def test_an_unknown_clarification_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown labels \\['happy'\\]"):
        cascade({"primary": UNSURE}).run("hmm", clarifications={0: "happy"})


def test_no_rows_no_answers() -> None:
    assert cascade({"primary": SURE}).run([]) == []


def test_answers_survive_json() -> None:
    rows: list[object] = ["sunny", "hmm 😀", None, "\ud800 lone", "x" * 300]
    graph = cascade({"primary": UNSURE, "backup": Failing()}, ask="return")
    state = graph.graph.invoke(graph.request(rows))
    dumped = json.dumps(
        {key: state[key] for key in ("answers", "trails", "rows", "errors", "open")}, allow_nan=False
    )
    assert answers_of(json.loads(dumped)) == answers_of(state)
    dumped.encode("utf-8")


def test_threads_at_once_equal_serial() -> None:
    texts = [f"text {n}" for n in range(40)]
    primary = Scripted(lambda text: (LABELS[int(text.split()[1]) % 8], 0.3 + int(text.split()[1]) % 7 / 10))
    graph = cascade({"primary": primary, "backup": Scripted({}, otherwise="disgust", confidence=0.7)})
    serial = [without_time(graph.run(text)[0]) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        parallel = list(pool.map(lambda text: without_time(graph.run(text)[0]), texts))
    assert parallel == serial


def test_arun_and_astream_say_what_run_and_stream_say() -> None:
    graph = cascade({"primary": UNSURE, "backup": SURE})
    rows = ["sunny", "grim"]

    async def both() -> tuple[list[Answer], list[dict[str, object]]]:
        return await graph.arun(rows), [event async for event in graph.astream(rows)]

    answers, events = asyncio.run(both())
    assert [without_time(a) for a in answers] == [without_time(a) for a in graph.run(rows)]
    assert [(e["event"], e["row"]) for e in events] == [(e["event"], e["row"]) for e in graph.stream(rows)]


def test_the_stream_tells_the_story_in_order() -> None:
    graph = cascade({"primary": UNSURE, "backup": SURE})
    events = list(graph.stream("grim"))
    assert [event["event"] for event in events] == ["attempt", "verdict", "attempt", "verdict", "answer"]
    assert Answer.from_dict(events[-1]["answer"]).label == "sadness"


def test_a_context_given_to_the_run_takes_the_place_of_the_default() -> None:
    graph = cascade({"primary": SURE})
    other = replace(graph.context, tiers={"primary": Scripted({}, otherwise="disgust")})
    state = graph.graph.invoke(graph.request("sunny"), context=other)
    assert answers_of(state)[0].label == "disgust"
    assert graph.run("sunny")[0].label == "joy"


def test_final_answers_are_journalled_once_and_the_fallback_log_keeps_the_healed_ones(tmp_path: Path) -> None:
    rows = ["sunny", "hmm", ""]
    primary = Scripted(lambda text: ("joy", 0.9 if text == "sunny" else 0.3))
    for healed_only, expected in [(False, rows), (True, rows[1:])]:
        journal = JsonLinesJournal(tmp_path / "logs" / f"{healed_only}.jsonl", healed_only=healed_only)
        answers = cascade({"primary": primary, "backup": SURE}, journal=journal).run(rows)
        written = [json.loads(line) for line in journal.path.read_text(encoding="utf-8").splitlines()]
        assert [line["input"] for line in written] == expected
        assert [Answer.from_dict(line) for line in written] == [a for a in answers if a.input in expected]


def test_large_inputs_go_through_in_pieces_and_keep_order() -> None:
    answers = cascade({"primary": Scripted(lambda t: LABELS[int(t) % 8])}).run([str(n) for n in range(5000)])
    assert [a.label for a in answers] == [LABELS[n % 8] for n in range(5000)]


def test_a_cascade_needs_a_tier() -> None:
    with pytest.raises(ConfigError, match="at least one tier"):
        cascade({})


@pytest.mark.parametrize("name", ["settle", "ask", "prepare", "irony", "combined", "user", "check_primary"])
def test_a_tier_may_not_take_the_name_of_a_step(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name!r} names a step of the cascade"):
        cascade({"primary": SURE, name: SURE})


def test_the_emoji_tier_comes_first_wherever_it_stands() -> None:
    graph = cascade({"primary": Scripted({}, otherwise="neutral"), "emoji": Scripted({}, otherwise="love")})
    assert [a.label for a in graph.run(["😍", "see you at noon"])] == ["love", "neutral"]


def test_tiers_of_any_name_work_and_emoji_may_stand_alone() -> None:
    first, second = cascade({"emoji": Scripted({}, otherwise="joy")}).run(["🎉", "words"])
    assert (first.label, second.status) == ("joy", "failed")


def test_the_tool_speaks_json() -> None:
    tool = cascade({"primary": SURE}).as_tool()
    assert tool.name == "mend_emotion"
    answer = tool.invoke({"text": "sunny"})
    assert answer["label"] == "joy"
    assert json.loads(json.dumps(answer)) == answer
    assert asyncio.run(tool.ainvoke({"text": "sunny"}))["label"] == "joy"


def test_health_names_calibration_and_errors() -> None:
    graph = cascade({"primary": SURE, "other": Scripted({}, fingerprint="changed")})
    health = replace(
        graph.context.policy, calibrators={"primary": graph.context.policy.calibrators["primary"]}
    )
    graph.context = replace(graph.context, policy=health)
    report = graph.health()
    assert {key: report["primary"][key] for key in ("state", "fingerprint", "calibrated", "error")} == {
        "state": "up",
        "fingerprint": "scripted",
        "calibrated": True,
        "error": None,
    }
    assert report["other"]["calibrated"] is False


def test_closing_releases_the_tiers() -> None:
    class Closing(Scripted):
        closed = False

        def close(self) -> None:
            self.closed = True

    tier = Closing({})
    with cascade({"primary": tier}) as graph:
        graph.run("sunny")
    assert tier.closed
