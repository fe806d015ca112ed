"""What holds whichever way a tier is isolated in this process, and what the supervisor adds."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from mendgraph.core.supervision import BreakerPolicy, Isolation, Supervision
from mendgraph.core.tier import Tier
from mendgraph.core.values import Failure, Prediction
from mendgraph.errors import (
    ArtifactMissing,
    BadOutput,
    ConfigError,
    DataError,
    DeadlineExceeded,
    HubUnavailable,
    OutOfMemory,
    TierError,
    WorkerDied,
)
from mendgraph.runtime.notes import collecting
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.supervised import Source, Supervised, supervised
from tests.runtime.clocks import Clock
from tests.runtime.tiers import Echo, cramped, finite, inputs, labels, raising, said, texts

Open = Callable[..., Supervised]
QUICK = Supervision(backoff_s=0.0, recheck_s=0.0)


@pytest.fixture(params=["inline", "thread"])
def open_(request: pytest.FixtureRequest) -> Any:
    """Supervises a tier under a policy, in each isolation."""
    isolation: Isolation = request.param
    opened: list[Supervised] = []

    def build(source: Source, policy: Supervision = QUICK, **options: Any) -> Supervised:
        opened.append(Supervised("primary", source, replace(policy, isolation=isolation), **options))
        return opened[-1]

    yield build
    for one in opened:
        one.close()


def test_a_well_tier_answers_as_without_supervision(open_: Open) -> None:
    tier = open_(Echo())
    served = tier.serve(inputs(5))
    assert labels(served.outcomes) == texts(5)
    assert served.notes == ()
    assert isinstance(tier, Tier)
    assert (tier.name, tier.fingerprint, tier.calibrator, tier.error) == ("primary", "echo-1", None, None)
    assert tier.serve([]).outcomes == []


def test_out_of_memory_becomes_smaller_pieces_in_order_and_a_note(open_: Open) -> None:
    echo = cramped(20)
    tier = open_(echo)
    served = tier.serve(inputs(64))
    assert labels(served.outcomes) == texts(64)
    assert served.notes == ("out of memory at 64 rows; answered in pieces of 16",)
    assert tier.health()["batch"] == 16
    assert tier.health()["failures"] == 0
    assert tier.serve(inputs(16)).notes == ()
    assert echo.sizes == [64, 32, 16, 16, 16, 16, 16]


def test_max_batch_bounds_every_call(open_: Open) -> None:
    echo = Echo()
    assert labels(open_(echo, replace(QUICK, max_batch=3)).serve(inputs(8)).outcomes) == texts(8)
    assert echo.sizes == [3, 3, 2]


def test_rows_too_large_for_memory_fail_alone(open_: Open) -> None:
    def does(number: int, rows: Any) -> None:
        if any(row.text == "2" for row in rows):
            raise OutOfMemory("a long row")

    assert labels(open_(Echo(does)).serve(inputs(5)).outcomes) == ["0", "1", "out_of_memory", "3", "4"]


@pytest.mark.parametrize("error", [ValueError("bug"), KeyError("x"), DataError("no table"), RecursionError()])
def test_a_crash_becomes_a_failure_of_each_row_and_is_logged(open_: Open, error: Exception) -> None:
    logged: list[str] = []
    logger.enable("mendgraph")
    sink = logger.add(logged.append, format="{message}")
    try:
        outcomes = open_(raising(error)).serve(inputs(3)).outcomes
    finally:
        logger.remove(sink)
        logger.disable("mendgraph")
    assert labels(outcomes) == ["crashed"] * 3
    assert isinstance(outcomes[0], Failure)
    assert type(error).__name__ in outcomes[0].message
    assert any("primary crashed" in line and "Traceback" in line for line in logged)


def test_a_passing_failure_is_retried(open_: Open) -> None:
    echo = raising(HubUnavailable("offline"), lambda number: number == 1)
    served = open_(echo).serve(inputs(2))
    assert labels(served.outcomes) == texts(2)
    assert served.notes == ("tried again after hub_unavailable: offline",)


@pytest.mark.parametrize("answer", [[], [said(inputs(1)[0])] * 3, None, [None, None], ["joy", "joy"]])
def test_an_answer_of_the_wrong_shape_is_no_answer(open_: Open, answer: Any) -> None:
    class Strange(Echo):
        def predict(self, rows: Any) -> Any:
            return answer

    outcomes = open_(Strange()).serve(inputs(2)).outcomes
    assert set(labels(outcomes)) <= {"bad_output", "crashed"}
    assert len(outcomes) == 2


def _with_nan(bad: set[str]) -> Echo:
    return Echo(
        lambda number, rows: [Prediction(row.text, {}, math.nan if row.text in bad else 1.0) for row in rows]
    )


def test_a_bad_row_fails_alone_and_does_not_speak_against_the_tier(open_: Open) -> None:
    tier = open_(_with_nan({"1"}))
    for _ in range(5):
        assert labels(tier.serve(inputs(3), check=finite).outcomes) == ["0", "bad_output", "2"]
    assert tier.health()["breaker"] == "closed"


def test_nothing_but_bad_rows_opens_the_breaker(open_: Open) -> None:
    tier = open_(_with_nan({"0", "1", "2"}))
    for _ in range(2):
        assert labels(tier.serve(inputs(3), check=finite).outcomes) == ["bad_output"] * 3
    assert tier.health()["breaker"] == "open"
    assert isinstance(tier.error, BadOutput)


def test_rows_that_a_tier_declines_do_not_open_the_breaker(open_: Open) -> None:
    declined = Failure.of(TierError("the text is not only emoji"))
    tier = open_(Echo(lambda number, rows: [declined] * len(rows)))
    for _ in range(10):
        tier.serve(inputs(1))
    assert tier.health()["breaker"] == "closed"


@pytest.mark.parametrize("good", [0, 100])
@pytest.mark.parametrize(
    "error", [TierError("dead"), WorkerDied("dead"), RuntimeError("dead"), OutOfMemory("dead")]
)
def test_a_dead_tier_is_called_twice_in_fifteen_requests(open_: Open, good: int, error: Exception) -> None:
    echo = raising(error, lambda number: number > good)
    tier = open_(echo)
    for _ in range(good):
        tier.serve(inputs(1))
    outcomes = [tier.serve(inputs(1)).outcomes[0] for _ in range(15)]
    assert echo.calls - good <= 2
    assert all(isinstance(outcome, Failure) for outcome in outcomes)
    last = outcomes[-1]
    assert isinstance(last, Failure)
    assert last.kind == "tier_down"
    assert "dead" in last.message
    assert "tried again in" in last.hint
    assert tier.error is not None
    assert tier.health()["calls"] == good + 2
    assert tier.health()["failures"] == 2


def test_a_dead_tier_is_called_twice_for_many_pieces(open_: Open) -> None:
    echo = raising(RuntimeError("dead"))
    outcomes = open_(echo, replace(QUICK, max_batch=1)).serve(inputs(30)).outcomes
    assert labels(outcomes) == ["crashed"] * 2 + ["tier_down"] * 28
    assert echo.calls == 2


def test_a_tier_that_is_well_again_is_used_again() -> None:
    clock = Clock()
    echo = raising(TierError("dead"), lambda number: number <= 3)
    tier = Supervised("primary", echo, clock=clock)
    for _ in range(9):
        tier.serve(inputs(1))
    clock.sleep(30.0)
    assert tier.health()["breaker"] == "half_open"
    assert labels(tier.serve(inputs(1)).outcomes) == ["tier"]
    assert labels(tier.serve(inputs(1)).outcomes) == ["tier_down"]
    clock.sleep(60.0)
    assert labels(tier.serve(inputs(4)).outcomes) == texts(4)
    assert tier.error is None
    assert tier.health()["breaker"] == "closed"
    assert tier.health()["error"] == "dead"


def test_an_interrupted_probe_does_not_keep_the_tier_closed() -> None:
    clock = Clock()
    echo = Echo()

    def does(number: int, rows: Any) -> None:
        if number <= 2:
            raise TierError("dead")
        if number == 3:
            raise KeyboardInterrupt

    echo._does = does
    tier = Supervised("primary", echo, clock=clock)
    for _ in range(2):
        tier.serve(inputs(1))
    clock.sleep(30.0)
    with pytest.raises(KeyboardInterrupt):
        tier.serve(inputs(1))
    assert labels(tier.serve(inputs(1)).outcomes) == ["0"]


def test_only_one_of_eight_callers_probes() -> None:
    clock = Clock()
    probing, go_on = threading.Event(), threading.Event()

    def does(number: int, rows: Any) -> None:
        if number == 1:
            raise TierError("dead")
        probing.set()
        assert go_on.wait(30.0)

    echo = Echo(does)
    tier = Supervised("primary", echo, Supervision(breaker=BreakerPolicy(consecutive=1)), clock=clock)
    tier.serve(inputs(1))
    clock.sleep(30.0)
    probe = threading.Thread(target=tier.serve, args=(inputs(1),))
    probe.start()
    assert probing.wait(30.0)
    refused = [tier.serve(inputs(1)).outcomes[0] for _ in range(7)]
    go_on.set()
    probe.join()
    assert labels(refused) == ["tier_down"] * 7
    assert isinstance(refused[0], Failure)
    assert "being tried right now" in refused[0].hint
    assert echo.calls == 2
    assert tier.health()["breaker"] == "closed"


class Weights:
    """Opens once its file is good."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.opened = 0

    def __call__(self) -> Tier:
        self.opened += 1
        if not self.path.exists():
            raise ArtifactMissing(f"{self.path.name} is missing", hint="restore it")
        return Echo()


def test_a_refused_tier_is_down_with_the_reason_and_comes_back_by_itself(open_: Open, tmp_path: Path) -> None:
    clock = Clock()
    weights = Weights(tmp_path / "model")
    tier = open_(weights, Supervision(recheck_s=5.0), clock=clock)
    assert isinstance(tier.error, ArtifactMissing)
    assert tier.fingerprint == ""
    assert tier.health()["state"] == "down"
    (failure,) = tier.serve(inputs(1)).outcomes
    assert isinstance(failure, Failure)
    assert failure.kind == "tier_down"
    assert failure.message == "tier 'primary' is down: artifact_missing: model is missing"
    assert failure.hint == "restore it"
    assert weights.opened == 1, "not before recheck_s"
    clock.sleep(5.0)
    tier.serve(inputs(1))
    weights.path.write_text("good")
    clock.sleep(5.0)
    wait_until(lambda: tier.serve(inputs(1)) is not None and tier.health()["state"] == "up", clock)
    assert labels(tier.serve(inputs(3)).outcomes) == texts(3)
    assert tier.fingerprint == "echo-1"
    assert tier.error is None
    assert tier.health()["error"] == "model is missing (restore it)"


def wait_until(done: Callable[[], bool], clock: Clock, tries: int = 2000) -> None:
    """In a thread of its own a tier opens a moment after the request that noticed."""
    pause = threading.Event()
    for _ in range(tries):
        if done():
            return
        clock.sleep(5.0)
        pause.wait(0.005)
    raise AssertionError("it did not happen")


def test_a_tier_that_crashes_while_it_opens_is_down(open_: Open) -> None:
    def source() -> Tier:
        raise AttributeError("another version")

    tier = open_(source)
    assert tier.health()["state"] == "down"
    assert tier.error is not None
    assert "another version" in tier.error.message


def test_a_wrong_configuration_escapes(open_: Open) -> None:
    def source() -> Tier:
        raise ConfigError("tiers.primary: no such kind")

    with pytest.raises(ConfigError, match="no such kind"):
        open_(source)


def test_process_isolation_needs_a_recipe() -> None:
    with pytest.raises(ConfigError, match="needs a recipe, got a Echo") as caught:
        Supervised("primary", Echo(), Supervision(isolation="process"))
    assert "Recipe" in caught.value.hint


def test_a_recipe_is_opened_here_too(open_: Open) -> None:
    tier = open_(Recipe("mendgraph.testing:Scripted", {"answers": {"0": "joy"}}))
    assert labels(tier.serve(inputs(1)).outcomes) == ["joy"]


def test_a_closed_tier_gives_back_and_refuses(open_: Open) -> None:
    class Closing(Echo):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    echo = Closing()
    tier = open_(echo)
    tier.close()
    tier.close()
    assert echo.closed == 1
    assert labels(tier.serve(inputs(2)).outcomes) == ["tier_down"] * 2


@given(st.lists(st.integers(1, 40), min_size=8, max_size=8), st.sampled_from(["inline", "thread"]))
def test_eight_threads_at_once_equal_one_after_the_other(sizes: list[int], isolation: Isolation) -> None:
    tier = Supervised("primary", cramped(7), Supervision(isolation=isolation))
    found: list[list[str]] = [[] for _ in sizes]
    together = threading.Barrier(len(sizes))

    def ask(place: int) -> None:
        together.wait()
        found[place] = labels(tier.serve(inputs(sizes[place])).outcomes)

    crowd = [threading.Thread(target=ask, args=(place,)) for place in range(len(sizes))]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    tier.close()
    assert found == [texts(size) for size in sizes]


def test_no_call_begins_when_the_callers_time_is_over(open_: Open) -> None:
    echo = Echo()
    tier = open_(echo)
    assert labels(tier.serve(inputs(2), seconds=0.0).outcomes) == ["deadline"] * 2
    assert echo.calls == 0
    assert tier.health()["failures"] == 0


def test_pieces_after_the_callers_deadline_fail_and_the_earlier_ones_count() -> None:
    clock = Clock()
    echo = Echo(lambda number, rows: clock.sleep(1.0))
    tier = Supervised("primary", echo, Supervision(max_batch=2), clock=clock)
    served = tier.serve(inputs(8), seconds=1.5)
    assert labels(served.outcomes) == ["0", "1", "2", "3", *["deadline"] * 4]
    assert served.notes == ("answered after 1 s, 0.5 s late",)


def test_a_deadline_that_was_too_short_for_anyone_does_not_speak_against_the_tier() -> None:
    clock = Clock()

    def does(number: int, rows: Any) -> None:
        clock.sleep(1.0)
        if number > 10:
            raise DeadlineExceeded("cut short")

    tier = Supervised("primary", Echo(does), clock=clock)
    for _ in range(10):
        tier.serve(inputs(1))
    for _ in range(5):
        tier.serve(inputs(1), seconds=0.2)
    assert tier.health()["breaker"] == "closed"
    for _ in range(2):
        tier.serve(inputs(1), seconds=2.0)
    assert tier.health()["breaker"] == "open"


def test_health_is_json(open_: Open) -> None:
    tier = open_(raising(RuntimeError("bug"), lambda number: number == 2))
    for _ in range(3):
        tier.serve(inputs(1))
    health = tier.health()
    assert json.loads(json.dumps(health)) == health
    assert set(health) == {
        "state", "breaker", "isolation", "error", "error_at", "calls", "failures", "latency", "batch", "restarts",
        "pid",
    }  # fmt: skip
    assert (health["state"], health["breaker"], health["calls"], health["failures"]) == ("up", "closed", 3, 1)
    assert health["latency"]["calls"] == 2
    assert "RuntimeError: bug" in health["error"]
    assert health["error_at"] > 1.7e9
    assert health["restarts"] == 0
    assert health["batch"] is health["pid"] is None


def test_notes_of_a_tier_reach_the_trail_from_any_isolation(open_: Open) -> None:
    tier = open_(cramped(1))
    with collecting() as notes:
        tier.predict(inputs(2))
    assert notes == ["out of memory at 2 rows; answered in pieces of 1"]
    inner = open_(tier)
    assert inner.serve(inputs(2)).notes == ()


def test_what_is_looked_after_is_not_wrapped_again() -> None:
    tier = supervised("primary", Echo())
    assert supervised("primary", tier) is tier
