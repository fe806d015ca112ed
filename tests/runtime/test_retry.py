from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.supervision import Supervision
from mendgraph.errors import (
    BadOutput,
    DeadlineExceeded,
    HubUnavailable,
    OutOfMemory,
    TierDown,
    TierError,
    WorkerDied,
)
from mendgraph.runtime.notes import collecting
from mendgraph.runtime.retry import with_retries
from tests.runtime.clocks import Clock


class Flaky:
    def __init__(self, *errors: TierError) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "well"


def tried(call: Flaky, policy: Supervision, clock: Clock, deadline: float | None = None) -> str:
    return with_retries(call, policy, deadline=deadline, clock=clock, sleep=clock.sleep, allowed=lambda: True)


def test_a_passing_failure_is_tried_again_and_noted() -> None:
    clock, call = Clock(), Flaky(HubUnavailable("offline"), WorkerDied("killed"))
    with collecting() as notes:
        assert tried(call, Supervision(retries=2, backoff_s=0.5), clock) == "well"
    assert notes == ["tried again after hub_unavailable: offline", "tried again after worker_died: killed"]
    assert 1.5 <= clock.now - 1000.0 <= 2.5  # 0.5 and 1 s, each with up to 0.5 s of jitter


@given(st.integers(0, 5), st.integers(0, 8))
def test_the_number_of_calls_is_bounded_and_the_last_error_is_the_tiers_own(retries: int, bad: int) -> None:
    call = Flaky(*(WorkerDied(f"number {n}") for n in range(bad)))
    policy, clock = Supervision(retries=retries, backoff_s=0.0), Clock()
    if bad <= retries:
        assert tried(call, policy, clock) == "well"
    else:
        with pytest.raises(WorkerDied, match=f"^number {retries}$"):
            tried(call, policy, clock)
    assert call.calls == min(bad, retries) + 1


@pytest.mark.parametrize(
    "error", [BadOutput("NaN"), DeadlineExceeded("late"), OutOfMemory("full"), TierError("no")]
)
def test_what_a_retry_cannot_help_is_not_retried(error: TierError) -> None:
    call = Flaky(error)
    with pytest.raises(type(error)) as caught:
        tried(call, Supervision(retries=3), Clock())
    assert caught.value is error
    assert call.calls == 1


@given(st.floats(0.0, 3.0))
def test_no_retry_begins_past_the_deadline(seconds: float) -> None:
    clock = Clock()
    starts: list[float] = []

    def call() -> str:
        starts.append(clock.now)
        raise WorkerDied("again")

    with pytest.raises(WorkerDied):
        with_retries(
            call,
            Supervision(retries=10, backoff_s=0.3),
            deadline=1000.0 + seconds,
            clock=clock,
            sleep=clock.sleep,
            allowed=lambda: True,
        )
    assert all(start < 1000.0 + seconds for start in starts[1:])


def test_a_retry_that_is_refused_does_not_hide_what_went_wrong() -> None:
    call = Flaky(WorkerDied("killed"), TierDown("restarting"))
    with pytest.raises(WorkerDied, match="killed"):
        tried(call, Supervision(retries=1, backoff_s=0.0), Clock())
    call = Flaky(WorkerDied("killed"), TierDown("restarting"))
    assert tried(call, Supervision(retries=2, backoff_s=0.0), Clock()) == "well"


def test_retries_end_when_they_are_no_longer_allowed() -> None:
    call = Flaky(*(WorkerDied("again") for _ in range(9)))
    clock = Clock()
    with pytest.raises(WorkerDied):
        with_retries(
            call,
            Supervision(retries=9),
            deadline=None,
            clock=clock,
            sleep=clock.sleep,
            allowed=lambda: call.calls < 3,
        )
    assert call.calls == 3
