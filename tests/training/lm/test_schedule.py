"""The cosine ends with the steps or with the time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainerControl, TrainerState, TrainingArguments

from mendgraph.training.lm import schedule
from mendgraph.training.lm.schedule import Cosine, Pace
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


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 500), st.floats(0, 0.5))
def test_rate_falls_after_the_warm_up(a: float, b: float, warmup: int, floor: float) -> None:
    cosine = Cosine(warmup, floor)
    factors = []
    for fraction in sorted((a, b)):
        cosine.fraction = fraction
        factors.append(cosine(warmup))
    assert 1 >= factors[0] >= factors[1] >= floor * (1 - 1e-9)


def test_warm_up_is_linear() -> None:
    assert [Cosine(4, 0.0)(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_steps_end_the_run(clock: Clock) -> None:
    controls = run(Pace(Cosine(1, 0), Limit(steps=40), evaluations=4, checkpoint_minutes=99), clock, 1.0)
    assert len(controls) == 40
    assert [i + 1 for i, c in enumerate(controls) if c.should_evaluate] == [10, 20, 30, 40]
    assert controls[-1].should_save


def test_deadline_ends_the_run_whatever_the_pace(clock: Clock) -> None:
    cosine = Cosine(1, 0)
    limit = Limit(deadline=clock.now + 600)
    controls = run(Pace(cosine, limit, evaluations=5, checkpoint_minutes=1), clock, 7.0)
    assert 0 <= clock.now - limit.deadline < 7.0
    assert cosine.fraction == 1
    assert sum(c.should_evaluate for c in controls) == 5
    assert sum(c.should_save for c in controls) >= 9


def test_first_of_both_limits_counts(clock: Clock) -> None:
    limit = Limit(steps=10, deadline=clock.now + 600)
    assert len(run(Pace(Cosine(1, 0), limit, evaluations=1, checkpoint_minutes=9), clock, 1.0)) == 10


def test_resumed_run_spreads_the_rest_over_its_own_time(clock: Clock) -> None:
    cosine = Cosine(1, 0)
    cosine.fraction = 0.5
    pace = Pace(cosine, Limit(deadline=clock.now + 100), evaluations=2, checkpoint_minutes=9)
    controls = run(pace, clock, 1.0, first=1000)
    assert 98 <= len(controls) <= 101
    assert sum(c.should_evaluate for c in controls) == 1
