"""Figures over many rows, their ranges and their intervals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.values import Answer, Attempt, Prediction
from mendgraph.errors import DataError
from mendgraph.replay.counterfactual import Rerun
from mendgraph.replay.effects import effects_of
from mendgraph.runtime.journal_reader import Entry
from mendgraph.testing import scores_for


def ending(label: str, accepted: bool, seconds: float = 1.0) -> Answer:
    said = Attempt("primary", Prediction(label, scores_for(label, 0.9), 0.9, 0.9), seconds=seconds)
    return Answer(
        f"about {label}",
        "accepted" if accepted else "abstained",
        label if accepted else None,
        label,
        confidence=0.9,
        source="primary" if accepted else "",
        trail=(said,),
    )


def moved(row: int, before: Answer, after: Answer, *, known: bool = True) -> Rerun:
    entry = Entry("r", 1.0, row, before, before.input)
    return Rerun(entry, after, known, 1.0, 2.0)


labels = st.sampled_from(["joy", "fear", "anger"])
endings = st.builds(ending, labels, st.booleans(), st.floats(0.0, 10.0))
reruns = st.lists(st.tuples(endings, endings, st.booleans()), min_size=1, max_size=20).map(
    lambda rows: [moved(n, b, a, known=k) for n, (b, a, k) in enumerate(rows)]
)


def figures(reruns: list[Rerun], truth: Any = None) -> Any:
    found = effects_of(reruns, truth, resamples=40)
    return found, {effect.name: effect for effect in found.effects}


@given(reruns)
def test_coverage_is_a_range_that_holds_every_way_the_unknown_rows_may_go(rows: list[Rerun]) -> None:
    found, by_name = figures(rows)
    coverage = by_name["coverage"]
    accepted = sum(r.known and r.after.accepted for r in rows)
    unknown = sum(not r.known for r in rows)
    assert coverage.before == pytest.approx(sum(r.before.accepted for r in rows) / len(rows))
    assert coverage.after_low == pytest.approx(accepted / len(rows))
    assert coverage.after_high == pytest.approx((accepted + unknown) / len(rows))
    assert coverage.low <= coverage.high
    assert found.unknown == unknown == found.statuses.get("unknown", (0, 0))[1]
    assert sum(before for before, _ in found.statuses.values()) == len(rows)
    assert sum(after for _, after in found.statuses.values()) == len(rows)
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


@given(st.lists(endings, min_size=1, max_size=20))
def test_nothing_changed_is_no_change_and_no_interval(rows: list[Answer]) -> None:
    truth = {row.input: "joy" for row in rows}
    found, by_name = figures([moved(n, row, row) for n, row in enumerate(rows)], truth)
    assert (found.changed, found.labels, found.unknown) == ((), {}, 0)
    for name, effect in by_name.items():
        if name != "cost per row" and effect.before == effect.before:  # accuracy over no rows is undefined
            assert effect.before == effect.after_low == effect.after_high
            assert (effect.low, effect.high) == (0.0, 0.0)
    assert (by_name["cost per row"].before, by_name["cost per row"].after_low) == (1.0, 2.0)


def test_accuracy_is_taken_where_the_truth_is_known() -> None:
    right, wrong, shy = ending("joy", True), ending("fear", True), ending("joy", False)
    rows = [
        moved(0, wrong, right),
        moved(1, right, right),
        moved(2, wrong, shy),
        moved(3, right, wrong, known=False),
    ]
    found, by_name = figures(rows, {"about fear": "joy", "about joy": "joy"})
    accepted, guesses = by_name["accuracy of accepted rows"], by_name["accuracy of best guesses"]
    assert found.judged == accepted.rows == 3
    assert (accepted.before, accepted.after_low) == (pytest.approx(1 / 3), 1.0)
    assert (guesses.before, guesses.after_low) == (pytest.approx(1 / 3), 1.0)
    assert accepted.low <= 2 / 3 <= accepted.high
    assert found.labels == {("fear", "joy"): 1, ("fear", "(abstained)"): 1}
    assert [row.row for row in found.changed] == [0, 2]
    assert found.tiers == {"primary": (3, 3)}
    assert "accuracy of accepted rows" not in figures(rows, {"another text": "joy"})[1]


def test_nothing_to_add_up_is_told() -> None:
    with pytest.raises(DataError, match="no recorded rows fit"):
        effects_of([])
