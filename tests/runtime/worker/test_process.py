"""`ProcessChannel` with real worker processes."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mendgraph.core.calibration import Temperature
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import (
    BadOutput,
    DeadlineExceeded,
    OutOfMemory,
    TierCrashed,
    TierDown,
    TierError,
    WorkerDied,
)
from mendgraph.runtime.notes import collecting
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.worker.process import ProcessChannel
from tests.runtime.worker.asking import answers_again, failing, said
from tests.runtime.worker.conftest import Opener
from tests.runtime.worker.moody import MODULE, open_moody, recipe
from tests.runtime.worker.processes import (
    PATIENCE_S,
    children,
    descriptors,
    gone,
    wait_until,
    worker_of,
)
from tests.runtime.worker.test_frames import exact
from tests.runtime.worker.test_wire import INPUTS

DEADLINE_S = 0.3


# One worker for all examples: answers do not depend on what it was asked before.
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(INPUTS, min_size=1, max_size=3), st.floats(), st.dictionaries(st.text(), st.floats()))
def test_answers_equal_inline_ones_bit_for_bit(
    channel: ProcessChannel, rows: list[Input], raw: float, scores: dict[str, float]
) -> None:
    facts = {"raw": raw, "scores": scores, "signals": scores, "value": [raw, scores, {"text": rows[0].raw}]}
    rows = [*rows, Input("facts", "raw", facts), Input("failure:odd")]
    rows = [row for row in rows if ":" not in row.text or row.text == "failure:odd"]
    inline = open_moody().predict(rows)
    there = channel.call(rows, PATIENCE_S)
    assert exact([one.to_dict() for one in there]) == exact([one.to_dict() for one in inline])


def test_facts_of_the_open_tier_cross(opened: Opener) -> None:
    channel = opened(Recipe(f"{MODULE}:open_calibrated"))
    assert channel.state == "up"
    assert channel.error is None
    assert channel.fingerprint == "moody-1"
    assert channel.calibrator == Temperature(1.5, "moody-1")
    assert channel.pid not in (None, os.getpid())


def test_notes_cross(channel: ProcessChannel) -> None:
    with collecting() as notes:
        assert said(channel, "note:halved", "note:\ud800 twice") == ["note:halved", "note:\ud800 twice"]
    assert notes == ["halved", "\ud800 twice"]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("out_of_memory:64 rows", OutOfMemory, "no memory for 64 rows"),
        ("memory_error:a tensor", OutOfMemory, "tier 'moody' ran out of memory on 1 row: a tensor"),
        ("strange:odd", OutOfMemory, "odd"),
    ],
)
def test_errors_cross_and_the_worker_lives_on(
    channel: ProcessChannel, text: str, kind: type[TierError], message: str
) -> None:
    before = channel.pid
    error = failing(channel, text)
    assert type(error) is kind
    assert error.message == message
    assert said(channel, "well") == ["well"]
    assert (channel.pid, channel.restarts) == (before, 0)


def test_an_unforeseen_exception_tells_type_message_and_place(channel: ProcessChannel) -> None:
    error = failing(channel, "boom:no such layer")
    assert type(error) is TierCrashed
    assert "ArithmeticError: no such layer in boom (" in error.message
    assert "moody.py:" in error.message
    assert said(channel, "well") == ["well"]


def test_what_a_worker_prints_stays_off_the_terminal(
    channel: ProcessChannel, capfd: pytest.CaptureFixture[str]
) -> None:
    assert said(channel, "chatter:300") == ["chatter:300"]  # 600 kB, more than a pipe holds
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("how", ["hang", "hang_in_c", "hang_holding_the_lock"])
def test_a_hang_meets_its_deadline(channel: ProcessChannel, how: str) -> None:
    hung, started = worker_of(channel), time.monotonic()
    error = failing(channel, how, DEADLINE_S)
    spent = time.monotonic() - started
    assert type(error) is DeadlineExceeded
    assert error.message == "tier 'moody' gave no answer to 1 row within 0.3 s; its worker was killed"
    assert DEADLINE_S <= spent < DEADLINE_S + 2.0
    wait_until(lambda: gone(hung), "the hung worker gone")
    assert answers_again(channel)
    assert channel.pid != hung
    assert channel.restarts == 1


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("kill", "killed by SIGKILL (the kernel's out-of-memory killer?)"),
        ("segfault", "crashed in native code (SIGSEGV): Fatal Python error: Segmentation fault"),
        ("exit:3", "ended with exit code 3"),
        ("daughter", "killed by SIGKILL"),
    ],
)
def test_death_in_a_call_is_noticed_at_once(channel: ProcessChannel, how: str, message: str) -> None:
    started = time.monotonic()
    error = failing(channel, how, 600.0)
    assert type(error) is WorkerDied
    assert message in error.message
    assert time.monotonic() - started < 4.0
    assert answers_again(channel)
    assert channel.restarts == 1


def test_death_of_an_idle_worker_is_noticed(channel: ProcessChannel) -> None:
    before = worker_of(channel)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: channel.restarts == 1, "a replacement")
    assert channel.pid != before
    assert said(channel, "well") == ["well"]


@pytest.mark.parametrize(
    "text",
    ["garbage:ffffffffffffff", "garbage:0100000000c1", "garbage:01000000018000000000", "close"],
    ids=["endless", "no message", "two messages", "closed link"],
)
def test_a_worker_that_talks_nonsense_is_replaced(channel: ProcessChannel, text: str) -> None:
    before, started = worker_of(channel), time.monotonic()
    assert type(failing(channel, text, 600.0)) in (BadOutput, WorkerDied)
    assert time.monotonic() - started < PATIENCE_S
    assert answers_again(channel)
    wait_until(lambda: gone(before), "the old worker gone")


def test_the_answer_to_another_call_is_not_believed(channel: ProcessChannel) -> None:
    error = failing(channel, "garbage:070000000081a463616c6cff")  # {"call": -1}
    assert error.message == "the worker of tier 'moody' answered another call than the one it was asked"
    assert answers_again(channel)


def test_an_answer_that_stops_half_way_meets_the_deadline(channel: ProcessChannel) -> None:
    assert type(failing(channel, "garbage:070000000081a463", DEADLINE_S)) is DeadlineExceeded
    assert answers_again(channel)


def test_calls_during_a_restart_are_refused_at_once(opened: Opener) -> None:
    channel = opened(recipe(slow_s=1.0))
    failing(channel, "kill")
    started = time.monotonic()
    error = failing(channel, "well")
    assert time.monotonic() - started < 0.9
    assert type(error) is TierDown
    assert "is restarting: the worker of tier 'moody' was killed by SIGKILL" in error.message
    assert channel.state == "starting"
    assert isinstance(channel.error, WorkerDied)
    assert channel.fingerprint == ""
    assert answers_again(channel)


@pytest.mark.parametrize("how", ["kill", "hang_holding_the_lock"])
def test_a_warm_standby_takes_over_at_once(opened: Opener, how: str) -> None:
    channel = opened(recipe(slow_s=0.5), warm_standby=True)
    for number in (1, 2):
        wait_until(lambda: channel.standing_by, "a standby")
        before = worker_of(channel)
        failing(channel, how, DEADLINE_S)
        started = time.monotonic()
        assert said(channel, "well") == ["well"]
        assert time.monotonic() - started < 0.5
        assert channel.pid != before
        assert channel.restarts == number


def test_threads_get_their_own_answers(channel: ProcessChannel) -> None:
    def ask(thread: int) -> bool:
        texts = [[f"{thread} {number} {row}" for row in range(thread)] for number in range(50)]
        return all(said(channel, *asked) == asked for asked in texts)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(1, 9)))


def test_a_call_that_waited_too_long_for_its_turn_is_refused(channel: ProcessChannel) -> None:
    before = channel.pid
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(said, channel, "sleep:1.5", seconds=None)
        time.sleep(0.2)
        started = time.monotonic()
        error = failing(channel, "well", DEADLINE_S)
        assert type(error) is TierDown
        assert error.message == "tier 'moody' was busy with earlier calls until the deadline"
        assert time.monotonic() - started < 1.2
        assert long.result() == ["sleep:1.5"]
    assert channel.pid == before


def test_threads_are_served_in_the_order_in_which_they_came(channel: ProcessChannel) -> None:
    served: list[int] = []

    def ask(number: int) -> None:
        said(channel, "sleep:0.3" if number == 0 else str(number))
        served.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert served == sorted(served)


def test_those_who_wait_do_not_hang_with_the_hung(channel: ProcessChannel) -> None:
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(failing, channel, "hang", 0.5)
        time.sleep(0.2)
        others = [pool.submit(failing, channel, "well", None) for _ in range(8)]
        assert type(first.result()) is DeadlineExceeded
        assert {type(other.result()) for other in others} == {TierDown}
    assert answers_again(channel)


def test_nothing_piles_up_over_twenty_kills(opened: Opener) -> None:
    channel = opened()
    before = (descriptors(), len(children()))
    for number in range(20):
        assert answers_again(channel)
        if number % 3 == 0:
            os.kill(worker_of(channel), signal.SIGKILL)
        elif number % 3 == 1:
            failing(channel, "hang", 0.02)
        else:
            assert type(failing(channel, "kill")) is WorkerDied
        wait_until(lambda done=number: channel.restarts == done + 1, "a replacement")  # type: ignore[misc]
    wait_until(lambda: (descriptors(), len(children())) == before, "as many files and processes as before")
    channel.close()
    wait_until(
        lambda: not any("worker of" in thread.name for thread in threading.enumerate()), "no threads left"
    )
    assert (descriptors(), len(children())) <= before


def test_a_closed_channel_leaves_nothing_and_refuses(opened: Opener) -> None:
    channel = opened(warm_standby=True)
    wait_until(lambda: channel.standing_by, "a standby")
    channel.close()
    channel.close()
    assert children() == []
    assert channel.state == "down"
    assert failing(channel, "well").message == "tier 'moody' is down: tier 'moody' is closed"
    channel.recover()
    assert children() == []


def test_a_forgotten_channel_takes_its_worker_along() -> None:
    channel = ProcessChannel("moody", recipe(), start_s=60.0, warm_standby=False)
    worker = worker_of(channel)
    del channel
    gc.collect()
    wait_until(lambda: gone(worker), "the worker gone")


def test_an_interrupted_call_costs_the_worker_and_nothing_else(
    channel: ProcessChannel,
) -> None:
    before = worker_of(channel)
    me = threading.get_ident()
    threading.Timer(0.3, signal.pthread_kill, (me, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        said(channel, "sleep:600", seconds=None)
    wait_until(lambda: gone(before), "the worker gone")
    assert answers_again(channel)


def test_rows_too_long_for_a_message_ask_for_a_smaller_batch(
    channel: ProcessChannel,
) -> None:
    assert said(channel, "x" * 2**20) == ["x" * 2**20]
    with pytest.raises(OutOfMemory, match="too long for a worker"):
        channel.call([Input("x" * 2**20)] * 70, PATIENCE_S)
    assert said(channel, "well") == ["well"]


def test_a_worker_does_not_inherit_what_it_should_not(channel: ProcessChannel) -> None:
    """Its descriptors: three standard streams, the link, the lifeline; and nothing of the other channels."""
    links = [os.readlink(entry) for entry in Path(f"/proc/{worker_of(channel)}/fd").iterdir()]
    assert len(links) == 5
    assert sum(link.startswith("socket:") for link in links) == 1


def test_outcomes_are_of_the_usual_kind(channel: ProcessChannel) -> None:
    found = channel.call([Input("well"), Input("failure:odd")], PATIENCE_S)
    assert found == [
        Prediction("well", {"well": 1.0}, 0.1 + 0.2, value=""),
        Failure("input", "odd", "write another row", retryable=True),
    ]
