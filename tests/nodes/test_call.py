"""What a tier says is checked before anyone believes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import HubUnavailable
from mendgraph.nodes.call import call
from mendgraph.testing import LABELS, Failing, Scripted, scores_for

ROWS = [Input("one"), Input("two")]
GOOD = Prediction("joy", scores_for("joy", 0.9), 0.9)


class Saying:
    """Answers with exactly what it was given."""

    name, fingerprint = "saying", ""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = outcomes

    def predict(self, rows: Sequence[Input]) -> Sequence[Prediction | Failure]:
        return self.outcomes


def failure(outcome: Prediction | Failure) -> Failure:
    assert isinstance(outcome, Failure)
    return outcome


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"label": "happy"}, r"tier 'primary' answered outside the label space: \['happy'\]"),
        ({"scores": {**GOOD.scores, "happy": 0.0}}, r"outside the label space: \['happy'\]"),
        ({"scores": {"joy": 0.9, "sadness": 0.1}}, r"gave no scores for \['anger', 'disgust'"),
        ({"scores": {**GOOD.scores, "anger": nan}}, "scores that are no probabilities"),
        ({"scores": {**GOOD.scores, "anger": -0.2}}, "scores that are no probabilities"),
        ({"scores": {**GOOD.scores, "anger": 0.2}}, r"scores that sum to 1\.1857, not 1"),
        ({"raw": inf}, "scores that are no probabilities"),
        ({"raw": "high"}, "a prediction that cannot be read"),
        ({"label": ["joy"]}, "a prediction that cannot be read"),
        ({"scores": None}, "a prediction that cannot be read"),
        ({"signals": {"irony": nan}}, "scores that are no probabilities"),
    ],
)
def test_an_answer_that_is_none_becomes_the_failure_of_its_row_alone(
    changes: dict[str, Any], complaint: str
) -> None:
    bad, good = call("primary", Saying(replace(GOOD, **changes), GOOD), ROWS, LABELS).outcomes
    assert failure(bad).kind == "bad_output"
    assert good == GOOD
    with pytest.raises(AssertionError, match=complaint):
        raise AssertionError(failure(bad).message)


@pytest.mark.parametrize("outcomes", [(), (GOOD,), (GOOD, GOOD, GOOD)])
def test_a_wrong_number_of_answers_is_believed_for_no_row(outcomes: tuple[Prediction, ...]) -> None:
    said = call("primary", Saying(*outcomes), ROWS, LABELS).outcomes
    assert [failure(o).message for o in said] == [f"tier 'primary' answered {len(outcomes)} of 2 rows"] * 2


def test_a_raised_tier_error_is_the_failure_of_every_row() -> None:
    said = call("primary", Failing(HubUnavailable("no line", hint="plug it in")), ROWS, LABELS).outcomes
    assert said == [Failure("hub_unavailable", "no line", "plug it in", True)] * 2


def test_any_other_error_of_a_tier_is_a_crash_and_names_itself() -> None:
    said = call("primary", Failing(KeyError("bug")), ROWS, LABELS).outcomes
    assert [(f.kind, "KeyError" in f.message) for f in said if isinstance(f, Failure)] == [
        ("crashed", True)
    ] * 2


def test_an_interrupt_is_no_crash() -> None:
    class Interrupted(Scripted):
        def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call("primary", Interrupted({}), ROWS, LABELS)


def test_a_tier_that_is_switched_off_is_named_as_in_the_cascade_and_not_called() -> None:
    tier = Scripted({}, name="some model")
    said = call("primary", tier, ROWS, LABELS, down=True).outcomes
    assert {failure(o).hint for o in said} == {"bring it back with /restore primary"}
    assert tier.asked == []


def test_numbers_of_numpy_become_plain_floats() -> None:
    scores = {label: np.float32(p) for label, p in GOOD.scores.items()}
    strange = replace(GOOD, scores=scores, raw=np.float64(0.9), signals={"irony": np.float32(0.5)})
    [said, _] = call("primary", Saying(strange, GOOD), ROWS, LABELS).outcomes
    assert isinstance(said, Prediction)
    numbers = [*said.scores.values(), said.raw, *said.signals.values()]
    assert {type(n) for n in numbers} == {float}
    assert numbers == pytest.approx([*GOOD.scores.values(), 0.9, 0.5])
