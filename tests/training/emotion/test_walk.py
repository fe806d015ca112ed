"""A policy walked over known answers decides as the graph does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.preprocess import prepare
from mendgraph.testing import Scripted
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.policy import Heard
from mendgraph.training.emotion.walk import Walked, figures, joined, walk
from tests.cascades import cascade, pooling

TEXTS = [f"row {letter}" for letter in "abcdefghij"]
SCRIPT = st.lists(st.tuples(st.sampled_from(LABELS), st.floats(0.2, 0.99)), min_size=10, max_size=10)


@given(SCRIPT, SCRIPT, st.floats(0.1, 1.0))
def test_it_ends_where_the_graph_ends(
    first: list[tuple[str, float]], second: list[tuple[str, float]], threshold: float
) -> None:
    tiers = {
        "primary": Scripted(dict(zip(TEXTS, first, strict=True))),
        "backup": Scripted(dict(zip(TEXTS, second, strict=True))),
    }
    graph = cascade(tiers, thresholds={"default": threshold}, **pooling(tiers, (0.7, 0.6)))
    rows = [prepare(text) for text in TEXTS]
    heard = Heard(
        {
            name: np.array([[p.scores[label] for label in LABELS] for p in tier.predict(rows)])
            for name, tier in tiers.items()
        },
        np.zeros(len(rows), dtype=np.int64),
        dict.fromkeys(tiers, "scripted"),
    )
    walked = walk(graph.context.policy, heard)
    for row, answer in enumerate(graph.run(TEXTS)):
        assert LABELS[walked.said[row]] == answer.best_guess
        assert walked.confidence[row] == answer.confidence
        assert walked.accepted[row] == answer.accepted


@given(st.permutations(range(7)), st.integers(1, 6))
def test_parts_come_back_in_order(order: list[int], cut: int) -> None:
    numbers = np.arange(7)
    whole = Walked(numbers, numbers / 10, numbers % 2 == 0)
    parts = [np.array(order[:cut]), np.array(order[cut:])]
    back = joined({place: whole.rows(rows) for place, rows in enumerate(parts)}, parts)
    assert back.said.tolist() == whole.said.tolist()
    assert back.confidence.tolist() == whole.confidence.tolist()
    assert back.accepted.tolist() == whole.accepted.tolist()


def test_figures_of_a_walk() -> None:
    walked = Walked(
        np.array([0, 1, 2, 3]), np.array([0.9, 0.8, 0.7, 0.2]), np.array([True, True, True, False])
    )
    found = figures(walked, np.array([0, 1, 0, 0]), 0.1)
    assert found is not None
    assert (found.rows, found.accuracy, found.coverage_at_risk, found.accepted) == (4, 0.5, 0.5, 0.75)
    assert np.isclose(found.accepted_risk, 1 / 3)
    assert figures(walked.rows(np.array([], dtype=np.int64)), np.array([], dtype=np.int64), 0.1) is None
