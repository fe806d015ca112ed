"""What would have happened, against what really happens."""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mendgraph.config import load_config
from mendgraph.core.values import Answer
from mendgraph.errors import ConfigError, JournalError, TierError
from mendgraph.replay.change import Change
from mendgraph.replay.counterfactual import rerun
from mendgraph.replay.recorded_tier import UNRECORDED
from mendgraph.testing import LABELS, Failing, Scripted
from tests.cascades import IRONY, cascade, pooling
from tests.replay.graphs import policy_of, recorded, recording

TEXTS = [f"text {number}" for number in range(12)] + ["", "😀", "😡😡", "same", "same"]
NAMES = ("primary", "backup", "third")


def scripted(seed: int, *, irony: bool = False) -> dict[str, Any]:
    """Tiers that say what they like, but always the same of the same text."""

    def of(name: str) -> Any:
        def say(text: str) -> tuple[str, float]:
            chance = random.Random(f"{seed} {name} {text}")
            return chance.choice(LABELS), round(chance.uniform(0.2, 0.99), 2)

        signals = {"irony": random.Random(seed).random()} if irony and name == "primary" else None
        return Scripted(say, name=name, fingerprint=f"{name} {seed}", signals=signals)

    return {name: of(name) for name in (*NAMES, "emoji")}


def same(one: Answer, other: Answer) -> None:
    """Equal but for times, and for the last bits of scores that were weighed in another batch."""
    assert [(a.tier, a.verdict, a.failure, a.fingerprint) for a in one.trail] == [
        (a.tier, a.verdict, a.failure, a.fingerprint) for a in other.trail
    ]
    assert (one.input, one.status, one.label, one.best_guess, one.options, one.source, one.error) == (
        other.input, other.status, other.label, other.best_guess, other.options, other.source, other.error
    )  # fmt: skip
    assert one.confidence == pytest.approx(other.confidence, abs=1e-12)
    assert one.value == (None if other.value is None else pytest.approx(other.value, abs=1e-12))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    threshold=st.none() | st.sampled_from([0.0, 0.3, 0.5, 0.8, 1.0]),
    down=st.sets(st.sampled_from(NAMES), max_size=2),
    ask=st.sampled_from(["never", "return", None]),
    pooled=st.booleans(),
    irony=st.booleans(),
    mode=st.sampled_from(["stored", "hashed", "omitted"]),
)
def test_the_record_answers_as_the_graph_would(
    seed: int, threshold: float | None, down: set[str], ask: Any, pooled: bool, irony: bool, mode: Any
) -> None:
    """All tiers were asked about all rows, so nothing is unknown: both must say the same of every row."""
    tiers = scripted(seed, irony=irony)
    fitted: dict[str, Any] = {"irony": IRONY} if irony else {}
    if pooled:
        main = {name: tiers[name] for name in NAMES}
        fitted |= pooling(main, [0.5, 0.3, 0.4])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.sqlite"
        graph = recording(path, tiers, text=mode, **fitted)
        graph.run(TEXTS[:9], threshold=1.0)
        graph.run(TEXTS[9:], threshold=1.0)
        change = Change(threshold=threshold, ask=ask, down=tuple(down))
        found = list(rerun(recorded(path), change, policy=policy_of(graph)))
    # An unchanged threshold is the 1.0 that was asked for then.
    really = cascade(tiers, ask=ask or "return", **fitted).run(
        TEXTS, threshold=1.0 if threshold is None else threshold, down=sorted(down)
    )
    assert len(found) == len(really)
    for one, real in zip(found, really, strict=True):
        assert one.known
        if mode != "stored":
            real = replace(real, input="", error=one.after.error)
        same(one.after, real)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    then=st.sampled_from([0.3, 0.5, 0.8]),
    now=st.sampled_from([0.0, 0.4, 0.6, 1.0]),
    down=st.sets(st.sampled_from(NAMES), max_size=1),
)
def test_rows_whose_attempts_are_on_record_are_known_and_right_and_the_others_are_unknown(
    seed: int, then: float, now: float, down: set[str]
) -> None:
    tiers = scripted(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j.sqlite"
        graph = recording(path, tiers)
        graph.run(TEXTS, threshold=then)
        found = list(rerun(recorded(path), Change(threshold=now, down=tuple(down)), policy=policy_of(graph)))
    really = cascade(tiers, ask="return").run(TEXTS, threshold=now, down=sorted(down))
    for one, real in zip(found, really, strict=True):
        heard = {a.tier for a in one.before.trail}
        needed = {a.tier for a in real.trail} - down
        assert one.known == (needed <= heard)
        if one.known:
            same(one.after, real)
        else:
            assert any(a.failure and a.failure.kind == UNRECORDED for a in one.after.trail)


def test_unknown_rows_can_really_be_asked(tmp_path: Path) -> None:
    tiers = scripted(3)
    graph = recording(tmp_path / "j", tiers)
    graph.run(TEXTS, threshold=0.5)
    asked = {name: len(tier.asked) for name, tier in tiers.items()}
    change = Change(threshold=0.9)
    policy = policy_of(graph)
    unknown = sum(not one.known for one in rerun(recorded(tmp_path / "j"), change, policy=policy))
    assert unknown > 0
    assert {name: len(tier.asked) for name, tier in tiers.items()} == asked  # no model was called
    found = list(rerun(recorded(tmp_path / "j"), change, policy=policy, models=graph, call_models=True))
    assert all(one.known for one in found)
    for one, real in zip(found, cascade(tiers, ask="return").run(TEXTS, threshold=0.9), strict=True):
        same(one.after, real)


def test_a_tier_with_other_weights_now_is_not_asked(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", scripted(3))
    graph.run(TEXTS, threshold=0.5)
    retrained = scripted(3)
    retrained["backup"].fingerprint = "retrained"
    found = list(
        rerun(
            recorded(tmp_path / "j"),
            Change(threshold=0.9),
            policy=policy_of(graph),
            models=cascade(retrained),
            call_models=True,
        )
    )
    assert not all(one.known for one in found)
    assert retrained["backup"].asked == []


def test_what_failed_then_fails_again_and_its_time_is_kept(tmp_path: Path) -> None:
    tiers = {"primary": Failing(TierError("out of luck")), "backup": Scripted({}, confidence=0.8)}
    graph = recording(tmp_path / "j", tiers)
    [answer] = graph.run("hello")
    [one] = rerun(recorded(tmp_path / "j"), Change(threshold=0.9), policy=policy_of(graph))
    assert (one.before.status, one.after.status, one.known) == ("accepted", "needs_clarification", True)
    assert one.after.trail[0].failure == answer.trail[0].failure
    assert [a.seconds for a in one.after.trail] == [a.seconds for a in answer.trail]


def test_what_the_user_said_is_remembered(tmp_path: Path) -> None:
    tiers = {"primary": Scripted({"sure": ("joy", 0.9)}, otherwise="fear", confidence=0.4)}
    graph = recording(tmp_path / "j", tiers)
    graph.run(["hmm", "hm", "sure"], clarifications={0: "anger"})
    stricter, looser = (
        [
            (one.after.status, one.after.label)
            for one in rerun(recorded(tmp_path / "j"), change, policy=policy_of(graph))
        ]
        for change in (Change(threshold=0.95), Change(threshold=0.3))
    )
    assert stricter == [("accepted", "anger"), ("needs_clarification", None), ("needs_clarification", None)]
    assert looser == [("accepted", "fear"), ("accepted", "fear"), ("accepted", "joy")]


def test_stages_can_be_changed_one_by_one(tmp_path: Path) -> None:
    tiers = {
        "primary": Scripted({}, confidence=0.7),
        "backup": Scripted({}, otherwise="fear", confidence=0.5),
    }
    graph = recording(tmp_path / "j", tiers)
    graph.run("hello", threshold=1.0)
    change = Change.parse("emotion", ["emotion.thresholds.backup=0.4"])
    [one] = rerun(recorded(tmp_path / "j"), change, policy=policy_of(graph))
    assert (one.after.label, [a.threshold for a in one.after.trail]) == ("fear", [1.0, 0.4])
    with pytest.raises(ConfigError, match=r"unknown stages \['lexical'\] \(known: primary, backup"):
        list(rerun(recorded(tmp_path / "j"), Change(stages={"lexical": 0.5}), policy=policy_of(graph)))


def test_costs_and_tiers_are_those_of_the_changed_configuration(tmp_path: Path) -> None:
    tiers = {"primary": Scripted({}, confidence=0.4), "lexical": Scripted({}, otherwise="joy")}
    graph = recording(tmp_path / "j", tiers)
    graph.run("hello", threshold=0.6)
    change = Change.parse("emotion", ["emotion.tiers.lexical=null", "emotion.tiers.primary.cost=3"])
    [one] = rerun(recorded(tmp_path / "j"), change, policy=policy_of(graph))
    assert (one.before.status, one.after.status) == ("accepted", "needs_clarification")
    configured = load_config().emotion.tiers
    assert one.cost_before == configured["primary"].cost + configured["lexical"].cost
    assert one.cost_after == 3.0
    other = Change.parse("emotion", ["emotion.tiers.primary.path=elsewhere"])
    [one] = rerun(recorded(tmp_path / "j"), other, policy=policy_of(graph))
    assert not one.known


def test_a_policy_that_is_gone_is_missed(tmp_path: Path) -> None:
    tiers = {"primary": Scripted({})}
    recording(tmp_path / "j", tiers).run("hello")
    other = recording(tmp_path / "k", tiers, thresholds={"default": 0.1})
    with pytest.raises(JournalError, match="was calibrated by another policy"):
        list(rerun(recorded(tmp_path / "j"), Change(), policy=policy_of(other)))


def test_a_dead_tier_must_exist(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", {"primary": Scripted({})})
    graph.run("hello")
    with pytest.raises(ConfigError, match=r"down: unknown tiers \['primry'\] \(known: primary"):
        list(rerun(recorded(tmp_path / "j"), Change(down=("primry",)), policy=policy_of(graph)))


def test_models_cannot_be_asked_about_texts_that_are_not_kept(tmp_path: Path) -> None:
    graph = recording(tmp_path / "j", {"primary": Scripted({})}, text="hashed")
    graph.run("hello")
    with pytest.raises(JournalError, match="holds no texts"):
        list(
            rerun(recorded(tmp_path / "j"), Change(), policy=policy_of(graph), models=graph, call_models=True)
        )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("emotion.threshold=1.5", r"emotion\.threshold: expected a number in \[0, 1\], got '1\.5'"),
        ("emotion.thresholds.primary=high", "expected a number"),
        ("emotion.ask=interrupt", "emotion.ask: expected never or return, got 'interrupt'"),
    ],
)
def test_wrong_changes_are_told(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Change.parse("emotion", [setting])


def test_other_settings_go_to_the_configuration() -> None:
    assert Change.parse("emotion", ["emotion.threshold = .8", "emotion.device=cpu"], ["primary"]) == Change(
        threshold=0.8, down=("primary",), overrides=("emotion.device=cpu",)
    )
