"""What rating tiers say, and what becomes of several sayings."""

from __future__ import annotations

import numpy as np
import pytest

from mendgraph.core.healing import HealingPolicy
from mendgraph.core.prompts import prepare_prompt
from mendgraph.core.routed import route_value, routed, surest
from mendgraph.core.values import Failure, Input, Prediction
from tests.llms import MODELS, catalog

ROW = prepare_prompt("hello there, how are you?")


def one(row: Input, *quality: float) -> Prediction:
    [found] = routed("tier", catalog(), [row], np.array([quality]))
    assert isinstance(found, Prediction)
    return found


def test_the_answer_names_choice_runner_up_figures_and_reasons() -> None:
    found = one(prepare_prompt({"prompt": "a" * 400, "down": ["big"]}), 0.9, 0.7, 0.5)
    assert found.label == "middle"
    assert found.raw == max(found.scores.values())
    assert (found.value["model"], found.value["runner_up"]) == ("middle", "small")
    assert found.value["scores"] == pytest.approx({"big": 0.8, "middle": 0.4, "small": 0.0})
    assert found.value["quality"] == {"big": 0.9, "middle": 0.7, "small": 0.5}
    assert found.value["cost"] == pytest.approx({"big": 0.004, "middle": 0.0002, "small": 0.00002})
    assert found.value["excluded"] == {"big": "down"}
    assert found.value["why"] == "expected quality 0.70 for $0.0002; next small, 0.50 for $0.00002; down: big"


def test_rows_fail_alone() -> None:
    poor = prepare_prompt({"prompt": "a", "max_cost": 1e-9})
    found = routed(
        "tier", catalog(), [ROW, poor, ROW], np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [np.nan, 1, 1]])
    )
    assert [getattr(o, "kind", "answered") for o in found] == ["answered", "input", "bad_output"]
    assert isinstance(found[1], Failure)


def test_no_rows_no_answers() -> None:
    assert routed("tier", catalog(), [], np.zeros((0, 3))) == []


def test_a_choice_by_hand_keeps_the_figures() -> None:
    before = one(ROW, 0.9, 0.7, 0.5)
    by_hand = Prediction("small", {name: float(name == "small") for name in MODELS}, 1.0, 1.0)
    value = route_value(by_hand, [before])
    assert (value["model"], value["runner_up"], value["why"]) == ("small", "big", "chosen by hand")
    assert value["quality"] == before.value["quality"]
    assert route_value(by_hand)["quality"] == {}
    assert route_value(before, []) == before.value


def test_the_surest_tier_is_believed_and_the_earlier_one_of_equals() -> None:
    def sure(label: str, confidence: float | None) -> Prediction:
        return Prediction(label, dict.fromkeys(MODELS, 1 / 3), 1 / 3, confidence)

    policy = HealingPolicy(labels=MODELS)
    rows = [
        {"a": sure("big", 0.4), "b": sure("small", 0.6)},
        {"a": sure("big", 0.5), "b": sure("small", 0.5)},
        {"a": sure("big", None), "b": sure("small", 0.1)},
        {"a": sure("big", None)},
    ]
    assert [p and p.label for p in surest(policy, rows)] == ["small", "big", "small", None]
