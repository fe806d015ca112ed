"""A tier that hangs inside C code, or whose process is killed."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mendgraph.core.supervision import Supervision
from mendgraph.testing import Fault
from tests.faults.ward import QUICK, Ward, healed, well
from tests.runtime.worker.processes import gone, wait_until

THREAD = Supervision(isolation="thread", deadline_s=0.5, backoff_s=0.0, recheck_s=0.0, breaker=QUICK)
PROCESS = Supervision(isolation="process", deadline_s=5.0, backoff_s=0.0, recheck_s=0.0, breaker=QUICK)
FOREVER_S = 60.0


def wait_up(ward: Ward) -> None:
    wait_until(lambda: ward.health["state"] == "up", "the primary is up")


def wait_well(ward: Ward) -> None:
    """A fresh worker is used once the breaker lets a probe through; until then the backup answers every row."""
    wait_until(lambda: {a.source for a in ward.run()} == {"primary"}, "the primary answers")
    well(ward.run())


def test_a_call_that_hangs_without_the_lock_is_left_behind_at_its_deadline(tmp_path: Path) -> None:
    with Ward(tmp_path, THREAD) as ward:
        well(ward.run())
        ward.strike(Fault("hang", seconds=10.0))
        started = time.monotonic()
        healed(ward.run(), "deadline", "did not answer 8 rows within 0.5 s")
        assert time.monotonic() - started < 8.0, "the run did not wait for the hang to end"
        health = ward.health
        assert health["isolation"] == "thread"
        assert health["failures"] == 1
        assert "within 0.5 s" in health["error"]
        ward.end()
        wait_well(ward)
        health = ward.health
        assert (health["state"], health["breaker"], health["restarts"]) == ("up", "closed", 1)


@pytest.mark.skipif(os.name != "posix", reason="the fault is POSIX")
def test_a_call_that_hangs_with_the_lock_held_is_killed_with_its_process(tmp_path: Path) -> None:
    with Ward(tmp_path, replace(PROCESS, deadline_s=0.5)) as ward:
        wait_up(ward)
        wait_well(ward)
        pid = ward.health["pid"]
        ward.strike(Fault("hang", seconds=FOREVER_S, hard=True))
        started = time.monotonic()
        healed(ward.run(), "deadline", "0.5 s")
        assert time.monotonic() - started < FOREVER_S / 3
        health = ward.health
        assert health["failures"] >= 1
        assert "0.5 s" in health["error"]
        wait_until(lambda: gone(pid), "the hung worker is killed")
        ward.end()
        wait_up(ward)
        wait_well(ward)
        health = ward.health
        assert (health["state"], health["breaker"]) == ("up", "closed")
        assert health["restarts"] >= 1
        assert health["pid"] != pid


def test_a_worker_that_is_killed_in_mid_call_loses_no_row(tmp_path: Path) -> None:
    with Ward(tmp_path, PROCESS) as ward:
        wait_up(ward)
        well(ward.run())
        ward.strike(Fault("kill", at_call=2))
        healed(ward.run(), "worker_died", "SIGKILL")
        health = ward.health
        assert health["state"] in ("starting", "up")
        assert "SIGKILL" in health["error"]
        wait_well(ward)
        # ... and while it has nothing to do.
        pid = ward.health["pid"]
        os.kill(pid, signal.SIGKILL)
        for answer in ward.run():
            assert answer.status == "accepted"
        wait_up(ward)
        wait_well(ward)
        health = ward.health
        assert (health["breaker"], health["restarts"]) == ("closed", 2)
        assert health["pid"] not in (None, pid)
    assert gone(health["pid"])
