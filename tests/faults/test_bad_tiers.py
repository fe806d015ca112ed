"""A tier that raises, or says what nobody can believe."""

from __future__ import annotations

from pathlib import Path

import pytest

from mendgraph.testing import Fault
from tests.faults.ward import ROWS, Ward, failed, healed, well

FAULTS = [
    (Fault("crash"), "crashed", "RuntimeError: injected crash at call 1"),
    (Fault("error", error="tier", message="no luck"), "tier", "no luck"),
    (Fault("nan"), "bad_output", "scores that are no probabilities"),
    (Fault("bad_label"), "bad_output", "outside the label space: ['no-such-label']"),
    (Fault("wrong_count"), "bad_output", "answered 7 of 8 rows"),
]


@pytest.mark.parametrize(("fault", "kind", "words"), FAULTS, ids=[fault.kind for fault, *_ in FAULTS])
def test_a_bad_tier_is_healed_left_alone_and_used_again(
    fault: Fault, kind: str, words: str, tmp_path: Path
) -> None:
    with Ward(tmp_path) as ward:
        ward.strike(fault)
        healed(ward.run(), kind, words)
        health = ward.health
        assert (health["state"], health["breaker"], health["failures"]) == ("up", "closed", 1)
        assert words in health["error"]
        healed(ward.run(), kind)
        assert ward.health["breaker"] == "open"
        healed(ward.run(), "tier_down", "left alone", kind)
        assert ward.health["calls"] == 2, "an open breaker spares the tier"

        ward.clock.sleep(30.0)
        healed(ward.run(), kind)  # the probe meets the same fault
        assert ward.health["breaker"] == "open"
        ward.end()
        ward.clock.sleep(30.0)
        healed(ward.run(), "tier_down")  # after a failed probe it is left alone for twice as long
        ward.clock.sleep(30.0)
        well(ward.run())
        health = ward.health
        assert (health["state"], health["breaker"], health["failures"]) == ("up", "closed", 3)


@pytest.mark.parametrize("kind", ["nan", "bad_label"])
def test_a_row_that_cannot_be_believed_is_healed_alone(kind: str, tmp_path: Path) -> None:
    with Ward(tmp_path) as ward:
        ward.strike(Fault(kind, rows="row 3"))
        for _ in range(3):
            answers = ward.run()
            healed([answers[3]], "bad_output")
            well(answers[:3] + answers[4:])
        health = ward.health
        assert (health["state"], health["breaker"], health["failures"]) == ("up", "closed", 0)
        ward.end()
        well(ward.run())


def test_a_passing_failure_is_tried_again_and_the_trail_says_so(tmp_path: Path) -> None:
    with Ward(tmp_path) as ward:
        ward.strike(Fault("error", error="hub_unavailable", message="no answer", at_call=1))
        answers = ward.run()
        well(answers)
        assert {a.trail[0].notes for a in answers} == {("tried again after hub_unavailable: no answer",)}
        health = ward.health
        assert (health["breaker"], health["failures"]) == ("closed", 1)
        assert "no answer" in health["error"]
        assert all(not a.trail[0].notes for a in ward.run())


def test_when_no_tier_is_left_every_row_says_why_and_the_run_ends(tmp_path: Path) -> None:
    with Ward(tmp_path) as ward:
        ward.strike(Fault("crash"))
        answers = ward.run(down=["backup"])
        for answer in answers:
            assert (answer.status, answer.label, answer.best_guess) == ("failed", None, None)
            assert answer.error is not None
            assert "injected crash" in answer.error.message
            failed(answer.trail[0], "crashed")
        assert [answer.input for answer in answers] == ROWS
        ward.end()
        well(ward.run(down=["backup"]))
