"""Single tiers with class biases: the fair rival of a combination that has some."""

from __future__ import annotations

import numpy as np

from mendgraph.evaluation.emotion.biased import biased
from mendgraph.evaluation.emotion.datasets import Labelled
from mendgraph.graphs.emotion import LABELS
from mendgraph.testing import Failing, Scripted
from tests.cascades import cascade

JOY, NEUTRAL = LABELS.index("joy"), LABELS.index("neutral")


def rows(name: str, texts: list[str], labels: list[int]) -> Labelled:
    return Labelled(name, name, tuple(texts), np.array(labels, dtype=np.int64))


def test_a_tier_whose_only_fault_is_a_bias_is_put_right() -> None:
    """It finds the feeling but always leans a little to neutral; the bias is the same on dev and test."""
    leaning = Scripted(lambda text: ("joy", 0.35) if text == "good" else ("neutral", 0.45))
    texts = ["good"] * 60 + ["plain"] * 60
    labels = [JOY] * 60 + [JOY] * 60
    [system] = biased(
        cascade({"primary": leaning}), rows("dev", texts, labels), rows("t", texts, labels), print
    )
    assert system.name == "primary with class biases"
    assert (system.said == JOY).all()
    assert system.probabilities.shape == (120, len(LABELS))
    assert np.allclose(system.probabilities.sum(axis=1), 1.0)


def test_a_tier_that_fails_is_left_out() -> None:
    data = rows("dev", ["good"] * 100, [JOY] * 99 + [NEUTRAL])
    found = biased(cascade({"dead": Failing(), "primary": Scripted({})}), data, data, print)
    assert [system.name for system in found] == ["primary with class biases"]
