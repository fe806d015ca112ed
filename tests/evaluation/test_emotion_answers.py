"""Every system on the same rows, each tier asked once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import DataError
from mendgraph.evaluation.emotion.answers import collect
from mendgraph.testing import Failing, Scripted
from mendgraph.training.emotion.labels import LABELS
from tests.cascades import cascade
from tests.evaluation.corpora import SUBJECTS, scripted_graph, text_of

TEXTS = [text_of(label, subject) for label in LABELS for subject in SUBJECTS] + ["😀😀", "yeah so much joy"]


def quiet(line: str) -> None:
    assert line


def test_the_replayed_cascade_answers_as_the_graph_does() -> None:
    graph = scripted_graph()
    found = collect(graph, TEXTS, quiet, title="t")
    for replayed, own in zip(found.answers, scripted_graph().run(TEXTS, ask="return"), strict=True):
        assert replayed.best_guess == own.best_guess
        assert replayed.confidence == own.confidence
        assert (replayed.status, replayed.source, replayed.options) == (own.status, own.source, own.options)


def test_each_tier_is_asked_once_about_each_row() -> None:
    graph = scripted_graph()
    collect(graph, TEXTS, quiet, title="t")
    for tier in graph.tiers.values():
        assert tier.health()["calls"] == 1


def test_systems_are_arrays_of_the_same_rows() -> None:
    found = collect(scripted_graph(), TEXTS, quiet, title="t")
    names = [system.name for system in found.systems()]
    assert names == ["primary, raw", "primary", "backup", "all tiers, no early exit", "cascade"]
    for system in found.systems():
        assert system.said.shape == system.confidence.shape == (len(TEXTS),)
        np.testing.assert_allclose(system.probabilities.sum(axis=1), 1.0)
    truth = np.array([LABELS.index(label) for label in LABELS for _ in SUBJECTS])
    rows = np.arange(len(truth))
    right = {s.name: s.rows(rows).right(truth).mean() for s in found.systems()}
    assert right["primary"] < right["cascade"] <= right["all tiers, no early exit"]


def test_irony_is_read_into_the_combination_too() -> None:
    found = collect(scripted_graph(), ["yeah so much joy"], quiet, title="t")
    assert found.tiers["primary"].said.tolist() == [LABELS.index("joy")]
    assert found.pooled.said.tolist() != [LABELS.index("joy")]
    assert found.cascade.said.tolist() == found.pooled.said.tolist()


def test_a_dead_tier_is_no_system_and_the_first_living_one_is_the_first() -> None:
    graph = cascade({"primary": Failing(), "backup": Scripted({}, otherwise="fear")})
    found = collect(graph, ["a", "b"], quiet, title="t")
    assert found.first == "backup"
    assert list(found.tiers) == ["backup"]
    assert found.cascade.said.tolist() == [LABELS.index("fear")] * 2


def test_a_row_without_an_answer_is_no_class_and_has_no_confidence() -> None:
    found = collect(cascade({"primary": Half({})}), ["x", "y"], quiet, title="t")
    assert found.raw.said.tolist() == [LABELS.index("neutral"), len(LABELS)]
    assert found.cascade.confidence[1] == 0.0
    assert not found.cascade.right(np.array([0, 0]))[1]


class Half(Scripted):
    """Answers only texts with an x."""

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        said = super().predict(rows)
        return [p if "x" in row.text else Failure("tier", "no x") for p, row in zip(said, rows, strict=True)]


def test_no_tier_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="no tier answered"):
        collect(cascade({"primary": Failing()}), ["a"], quiet, title="t")
