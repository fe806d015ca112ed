"""Warm-up, constant rate or decay; a run ends with the steps or with the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainerControl, TrainerState, TrainingArguments

from mendgraph.training.lm import schedule
from mendgraph.training.lm.schedule import Pace, Trapezoid
from mendgraph.training.lm.spec import Limit


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def run(pace: Pace, clock: Clock, seconds: float, first: int = 0) -> list[TrainerControl]:
    """Controls after each step until the run stops; 10,000 steps at most."""
    arguments = TrainingArguments(report_to="none", use_cpu=True)
    state = TrainerState(global_step=first)
    pace.on_train_begin(arguments, state, TrainerControl())
    controls = []
    while len(controls) < 10_000 and not (controls and controls[-1].should_training_stop):
        clock.now += seconds
        state.global_step += 1
        controls.append(pace.on_step_end(arguments, state, TrainerControl()))
    return controls


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(schedule, "time", clock)
    return clock


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 500))
def test_rate_falls_to_zero_where_it_decays_and_stays_elsewhere(a: float, b: float, warmup: int) -> None:
    falling, steady = Trapezoid(warmup, decays=True), Trapezoid(warmup, decays=False)
    factors = []
    for fraction in (0, *sorted((a, b)), 1):
        falling.fraction = steady.fraction = fraction
        factors.append(falling(warmup))
        assert steady(warmup) == 1
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == 1
    assert factors[-1] == 0


def test_warm_up_is_linear() -> None:
    assert [Trapezoid(4, decays=False)(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def paced(schedule: Trapezoid, limit: Limit, *, anew: bool = True, evaluations: int = 1) -> Pace:
    return Pace(schedule, limit, anew=anew, evaluations=evaluations, checkpoint_minutes=1)


def test_steps_end_the_run(clock: Clock) -> None:
    controls = run(paced(Trapezoid(1, decays=True), Limit(steps=40), evaluations=4), clock, 1.0)
    assert len(controls) == 40
    assert [i + 1 for i, c in enumerate(controls) if c.should_evaluate] == [10, 20, 30, 40]
    assert controls[-1].should_save


def test_deadline_ends_the_run_whatever_the_pace(clock: Clock) -> None:
    schedule = Trapezoid(1, decays=True)
    limit = Limit(deadline=clock.now + 600)
    controls = run(paced(schedule, limit, evaluations=5), clock, 7.0)
    assert 0 <= clock.now - limit.deadline < 7.0
    assert schedule.fraction == 1
    assert schedule.seconds == pytest.approx(7.0 * len(controls))
    assert sum(c.should_evaluate for c in controls) == 5
    assert sum(c.should_save for c in controls) >= 9


def test_first_of_both_limits_counts(clock: Clock) -> None:
    limit = Limit(steps=10, deadline=clock.now + 600)
    assert len(run(paced(Trapezoid(1, decays=False), limit), clock, 1.0)) == 10


def test_resumed_run_spreads_the_rest_over_its_own_time(clock: Clock) -> None:
    schedule = Trapezoid(1, decays=True)
    schedule.fraction = 0.5
    pace = paced(schedule, Limit(deadline=clock.now + 100), anew=False, evaluations=2)
    controls = run(pace, clock, 1.0, first=1000)
    assert 98 <= len(controls) <= 101
    assert sum(c.should_evaluate for c in controls) == 1


def test_decay_begins_at_the_full_rate_whatever_the_checkpoint_says(clock: Clock) -> None:
    schedule = Trapezoid(1, decays=True, origin=1000)
    pace = paced(schedule, Limit(steps=20))
    vars(schedule).update(vars(Trapezoid(1, decays=False)) | {"fraction": 0.9})  # as `LambdaLR` does
    assert len(run(pace, clock, 1.0, first=1000)) == 20
    assert schedule(1020) == 0
