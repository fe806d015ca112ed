from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.core.supervision import BreakerPolicy
from mendgraph.runtime.breaker import Breaker
from tests.runtime.clocks import Clock

policies = st.builds(
    BreakerPolicy,
    window=st.integers(1, 12),
    minimum_calls=st.integers(1, 12),
    failure_rate=st.floats(0.1, 1.0),
    consecutive=st.integers(1, 6),
    cool_down_s=st.floats(1.0, 10.0),
    max_cool_down_s=st.floats(1.0, 60.0),
    probes=st.integers(1, 3),
)
stories = st.lists(st.sampled_from(["good", "bad", "dropped", "lost", "wait"]), max_size=60)


def opened(**changes: float) -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(BreakerPolicy(**{"consecutive": 1, "cool_down_s": 30.0, **changes}), clock=clock)  # type: ignore[arg-type]
    called(breaker, False)
    assert breaker.state == "open"
    return breaker, clock


def called(breaker: Breaker, good: bool) -> None:
    ticket = breaker.admit()
    assert ticket is not None
    breaker.succeeded(ticket) if good else breaker.failed(ticket)


@given(policies, stories)
def test_no_story_breaks_the_laws(policy: BreakerPolicy, story: list[str]) -> None:
    clock = Clock()
    breaker = Breaker(policy, clock=clock)
    in_a_row = 0
    for event in story:
        before = breaker.state
        if event == "wait":
            clock.sleep(0.7)
            continue
        ticket = breaker.admit()
        if before == "open":
            assert ticket is None
        if ticket is None:
            assert before != "closed"
            continue
        if before == "half_open":
            assert breaker.admit() is None, "one probe at a time"
        if event == "good":
            breaker.succeeded(ticket)
            in_a_row = 0
        elif event == "bad":
            breaker.failed(ticket)
            in_a_row += 1
            if before == "half_open" or in_a_row >= policy.consecutive:
                assert breaker.state == "open"
        elif event == "dropped":
            breaker.dropped(ticket)
            assert breaker.state == before
        if breaker.state == "closed" and before != "closed":
            in_a_row = 0
    # Whatever happened, a tier that is well again is used again.
    for _ in range(200):
        if breaker.state == "closed":
            break
        clock.sleep(policy.cool_down_s)
        if (ticket := breaker.admit()) is not None:
            breaker.succeeded(ticket)
    assert breaker.state == "closed"


def test_a_failure_rate_opens_it_without_failures_in_a_row() -> None:
    policy = BreakerPolicy(window=10, minimum_calls=6, failure_rate=0.5, consecutive=9)
    breaker = Breaker(policy, clock=Clock())
    for good in [True, False, True, False, True]:
        called(breaker, good)
    assert breaker.state == "closed"
    called(breaker, False)
    assert breaker.state == "open"


def test_the_window_slides() -> None:
    breaker = Breaker(
        BreakerPolicy(window=4, minimum_calls=4, failure_rate=0.5, consecutive=9), clock=Clock()
    )
    for good in [False, True, True, True, True, False, True, True, True]:
        called(breaker, good)
    assert breaker.state == "closed"


def test_it_closes_after_the_probes_and_forgets_the_window() -> None:
    breaker, clock = opened(probes=2)
    clock.sleep(30.0)
    assert breaker.state == "half_open"
    called(breaker, True)
    assert breaker.state == "half_open"
    called(breaker, True)
    assert breaker.state == "closed"
    assert breaker.open_s == breaker.probe_in_s == 0.0


def test_the_cool_down_doubles_up_to_its_bound_and_starts_over_after_closing() -> None:
    breaker, clock = opened(max_cool_down_s=100.0)
    waits = []
    for _ in range(4):
        waits.append(breaker.probe_in_s)
        clock.sleep(breaker.probe_in_s)
        called(breaker, False)
    assert waits == [30.0, 60.0, 100.0, 100.0]
    clock.sleep(100.0)
    called(breaker, True)
    called(breaker, False)
    assert breaker.probe_in_s == 30.0


def test_a_probe_that_never_reports_counts_as_failed_and_the_next_one_follows() -> None:
    breaker, clock = opened()
    clock.sleep(30.0)
    lost = breaker.admit()
    assert lost is not None
    clock.sleep(29.0)
    assert breaker.admit() is None
    clock.sleep(1.0)
    assert breaker.admit() is None
    assert breaker.probe_in_s == 60.0
    clock.sleep(60.0)
    assert breaker.admit() is not None
    breaker.succeeded(lost)  # far too late: it says nothing about the probe that is under way
    assert breaker.state == "half_open"


def test_an_interrupted_probe_lets_the_next_caller_probe_at_once() -> None:
    breaker, clock = opened()
    clock.sleep(30.0)
    ticket = breaker.admit()
    assert ticket is not None
    breaker.dropped(ticket)
    called(breaker, True)
    assert breaker.state == "closed"


def test_calls_from_before_it_opened_say_nothing_about_now() -> None:
    clock = Clock()
    breaker = Breaker(BreakerPolicy(consecutive=1, cool_down_s=30.0), clock=clock)
    slow = breaker.admit()
    assert slow is not None
    called(breaker, False)
    breaker.succeeded(slow)
    assert breaker.state == "open"
    clock.sleep(30.0)
    probe = breaker.admit()
    assert not breaker.failed(slow)
    assert probe is not None
    breaker.succeeded(probe)
    assert breaker.state == "closed"


@pytest.mark.parametrize("threads", [8])
def test_exactly_one_of_many_threads_probes(threads: int) -> None:
    breaker, clock = opened()
    clock.sleep(30.0)
    tickets: list[int | None] = []
    together = threading.Barrier(threads)

    def ask() -> None:
        together.wait()
        tickets.append(breaker.admit())

    crowd = [threading.Thread(target=ask) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert sum(ticket is not None for ticket in tickets) == 1
