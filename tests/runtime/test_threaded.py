"""A hang in a thread: left behind at its deadline, never piled up, healed when it ends or by a fresh instance."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import count

from mendgraph.core.supervision import BreakerPolicy, Supervision
from mendgraph.core.values import Failure
from mendgraph.errors import DeadlineExceeded
from mendgraph.runtime.supervised import Supervised
from mendgraph.runtime.threaded import MOST_LEFT_BEHIND
from tests.runtime.tiers import Echo, Hanging, inputs, labels, raising, texts

PATIENT = BreakerPolicy(window=100, minimum_calls=100, consecutive=100)
POLICY = Supervision(isolation="thread", deadline_s=0.05, recheck_s=0.0, breaker=PATIENT)
LONG = 20.0


def until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONG
    while not done():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.005)


def threads(tier: str = "primary") -> int:
    return sum(thread.name == f"mendgraph-{tier}" for thread in threading.enumerate())


def test_a_hang_meets_its_deadline_and_heals_when_it_ends() -> None:
    echo = Hanging(lambda number: number == 1)
    tier = Supervised("primary", echo, POLICY)
    started = time.monotonic()
    (failure,) = tier.serve(inputs(1)).outcomes
    assert time.monotonic() - started < LONG
    assert isinstance(failure, Failure)
    assert failure.kind == "deadline"
    assert "did not answer 1 rows within 0.05 s" in failure.message
    assert tier.health()["state"] == "starting"
    assert isinstance(tier.error, DeadlineExceeded)
    running = threads()
    for _ in range(20):
        assert labels(tier.serve(inputs(1)).outcomes) == ["tier_down"]
    assert threads() == running
    assert echo.calls == 1
    echo.released.set()
    until(lambda: tier.health()["state"] == "up")
    assert tier.error is None
    assert labels(tier.serve(inputs(3)).outcomes) == texts(3)
    assert tier.health()["restarts"] == 0
    tier.close()


def test_a_fresh_instance_takes_the_place_of_one_that_hangs() -> None:
    made: list[Echo] = []

    def source() -> Echo:
        made.append(Echo() if made else Hanging())
        return made[-1]

    tier = Supervised("primary", source, POLICY)
    assert labels(tier.serve(inputs(1)).outcomes) == ["deadline"]
    until(lambda: tier.health()["state"] == "up")
    assert labels(tier.serve(inputs(2)).outcomes) == texts(2)
    assert tier.health()["restarts"] == 1
    first = made[0]
    assert isinstance(first, Hanging)
    first.released.set()
    assert labels(tier.serve(inputs(2)).outcomes) == texts(2)
    tier.close()


def test_instances_that_all_hang_do_not_pile_up() -> None:
    released, numbers = threading.Event(), count()

    def source() -> Hanging:
        next(numbers)
        fresh = Hanging()
        fresh.released = released
        return fresh

    before = threads()
    tier = Supervised("primary", source, POLICY)
    hung = 0
    for _ in range(60):
        hung += labels(tier.serve(inputs(1)).outcomes) == ["deadline"]
        time.sleep(0.002)
    assert 1 < hung <= MOST_LEFT_BEHIND + 1
    assert threads() - before <= hung + 1
    assert next(numbers) <= hung + 1
    released.set()
    until(lambda: tier.health()["state"] == "up")
    assert labels(tier.serve(inputs(2)).outcomes) == texts(2)
    tier.close()


def test_hangs_open_the_breaker() -> None:
    policy = Supervision(isolation="thread", deadline_s=0.05)
    tier = Supervised("primary", Hanging, policy)  # each new instance hangs
    seen = []
    for _ in range(2):
        until(lambda: tier.health()["state"] == "up")
        seen += labels(tier.serve(inputs(1)).outcomes)
    assert seen == ["deadline"] * 2
    assert tier.health()["breaker"] == "open"
    tier.close()


def test_the_run_may_grant_less_than_the_policy() -> None:
    tier = Supervised("primary", Hanging(), Supervision(isolation="thread"))
    (failure,) = tier.serve(inputs(1), seconds=0.03).outcomes
    assert isinstance(failure, Failure)
    assert "within 0.03 s" in failure.message


def test_a_tier_that_hangs_while_it_opens_is_starting_and_comes_up_later() -> None:
    go_on = threading.Event()

    def source() -> Echo:
        go_on.wait(60.0)
        return Echo()

    tier = Supervised("primary", source, Supervision(isolation="thread", start_s=0.05))
    assert tier.health()["state"] == "starting"
    (failure,) = tier.serve(inputs(1)).outcomes
    assert isinstance(failure, Failure)
    assert failure.message.startswith(
        "tier 'primary' is starting: deadline: tier 'primary' is not open after 0.05 s"
    )
    go_on.set()
    until(lambda: tier.health()["state"] == "up")
    assert labels(tier.serve(inputs(2)).outcomes) == texts(2)
    tier.close()


def test_a_tier_that_calls_exit_has_crashed() -> None:
    tier = Supervised("primary", raising(SystemExit(), lambda number: number == 1), POLICY)
    assert labels(tier.serve(inputs(1)).outcomes) == ["crashed"]
    assert labels(tier.serve(inputs(1)).outcomes) == ["0"]
    tier.close()


def test_one_after_the_other_shares_one_thread_and_none_is_left() -> None:
    tier = Supervised(
        "one by one", Echo(), POLICY
    )  # a name of its own: threads of other tests may end meanwhile
    for _ in range(50):
        tier.serve(inputs(1))
    assert threads("one by one") == 1
    tier.close()
    until(lambda: threads("one by one") == 0)


def test_a_tier_that_nobody_closed_leaves_no_thread_when_it_is_forgotten() -> None:
    tier = Supervised("forgotten", Echo(), POLICY)
    tier.serve(inputs(1))
    assert threads("forgotten") == 1
    del tier
    gc.collect()
    until(lambda: threads("forgotten") == 0)


def test_a_hung_call_does_not_keep_the_process_alive() -> None:
    code = """
import threading
from mendgraph.core.supervision import Supervision
from mendgraph.core.values import Input
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Hanging
tier = Supervised("primary", Hanging(), Supervision(isolation="thread", deadline_s=0.05))
print(tier.serve([Input("x")]).outcomes[0].kind)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "deadline"
