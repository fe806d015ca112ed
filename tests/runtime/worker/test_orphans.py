"""However the starting process ends, its workers end with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.loading import ROOT
from tests.runtime.worker.processes import PATIENCE_S, gone, wait_until

SCRIPT = """
import os, signal, sys, threading, time
from mendgraph.core.values import Input
from mendgraph.errors import TierError
from mendgraph.runtime.worker.process import ProcessChannel
from tests.runtime.worker.moody import recipe
from tests.runtime.worker.processes import children

def tell(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())  # whole lines, from several processes

def call(text, seconds=None):
    return channel.call([Input(text)], seconds)

channel = ProcessChannel("moody", recipe(), start_s=60.0, warm_standby=STANDBY)
while STANDBY and not channel.standing_by:
    time.sleep(0.01)
tell(*children())
sys.stdin.readline()  # until they were seen
"""

IDLE = "time.sleep(600)"
BUSY = """
threading.Thread(target=call, args=({!r},), daemon=True).start()
time.sleep(0.3)
tell('busy')
time.sleep(600)
"""


@contextmanager
def parent(then: str, *, standby: bool = False) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process with workers, in a process group of its own, and the workers' numbers."""
    code = SCRIPT.replace("STANDBY", str(standby)) + then
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    try:
        assert len(workers) == 1 + standby, process.stderr and process.stderr.read()
        assert not any(map(gone, workers))
        process.stdin.write("\n")
        process.stdin.flush()
        if "busy" in then:
            assert process.stdout.readline() == "busy\n"
        yield process, workers
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def all_gone(workers: list[int]) -> None:
    wait_until(lambda: all(map(gone, workers)), "no orphans")


@pytest.mark.parametrize(
    "then",
    [IDLE, *(BUSY.format(how) for how in ("sleep:600", "hang_in_c", "hang_holding_the_lock"))],
    ids=["idle", "busy", "hanging in C", "hanging with the lock held"],
)
def test_kill_9(then: str) -> None:
    with parent(then) as (process, workers):
        process.kill()
        all_gone(workers)


def test_kill_9_with_a_standby() -> None:
    with parent(IDLE, standby=True) as (process, workers):
        process.kill()
        all_gone(workers)


def test_kill_9_of_a_process_whose_fork_lives_on() -> None:
    """A fork holds copies of the parent's files; it must not keep the workers alive, nor use them."""
    fork = """
child = os.fork()
if child == 0:
    try:
        call("well", 5)
    except TierError as error:
        tell("refused:", error.message)
    time.sleep(600)
tell("fork", child)
time.sleep(600)
"""
    with parent(fork) as (process, workers):
        assert process.stdout is not None
        lines = sorted(process.stdout.readline() for _ in range(2))
        child = int(lines[0].split()[1])
        assert "of which this one is a fork" in lines[1]
        process.kill()
        all_gone(workers)
        assert not gone(child)


@pytest.mark.parametrize(
    "then",
    [
        "",
        "sys.exit(3)",
        "raise RuntimeError('bug')",
        BUSY.format("hang_holding_the_lock").replace("600)", "0.1)"),
    ],
    ids=["end", "sys.exit", "exception", "end while busy"],
)
def test_exit(then: str) -> None:
    with parent(then) as (process, workers):
        process.communicate(timeout=PATIENCE_S)
        all_gone(workers)


@pytest.mark.parametrize("then", [IDLE, "tell('busy'); call('sleep:600')"], ids=["idle", "in a call"])
def test_ctrl_c(then: str) -> None:
    """The terminal sends it to the whole group; workers leave it to the parent and say nothing."""
    with parent(then) as (process, workers):
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
        assert said.rstrip().endswith("KeyboardInterrupt")
        assert said.count("Traceback") == 1
        all_gone(workers)


def test_a_worker_survives_ctrl_c_that_its_parent_handles() -> None:
    then = """
try:
    tell("busy")
    time.sleep(600)
except KeyboardInterrupt:
    tell(call("well", 5)[0].label, channel.restarts)
"""
    with parent(then) as (process, workers):
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert said == "well 0\n"
        all_gone(workers)
