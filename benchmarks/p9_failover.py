"""P9: an answer after the primary failed, beyond the time-out and a bare forward of the tier that answers.

The emotion graph as it ships, its primary in a worker process with a deadline; each fault is injected
into that worker, for one text only.  What is measured is the whole run, from the text to the answer.  The
time-out is the deadline for hangs, and nothing for deaths and errors.  The fallback's bare forward is
measured in the same run, between the faults.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

import mendgraph
from benchmarks.harness import RESULTS, Goal, machine
from benchmarks.texts import SENTENCES
from mendgraph import MendGraph
from mendgraph.core.preprocess import prepare
from mendgraph.testing import Fault, FaultPlan, injecting

DEADLINE_S = 2.0  # far more than a fresh worker's first forward takes
PATIENCE_S = 120.0
GOAL = Goal(200.0, 30.0, "lower")  # ms beyond the time-out and the fallback's forward
STRUCK, SPARED = SENTENCES[0], SENTENCES[1]


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and the seconds that must pass before anyone can know of it."""

    name: str
    fault: Fault
    timeout_s: float = 0.0


CASES = (
    Case("crash: an exception", Fault("crash", tier="primary", rows=STRUCK)),
    Case("crash: SIGKILL", Fault("kill", tier="primary", rows=STRUCK)),
    Case("crash: segmentation fault", Fault("segfault", tier="primary", rows=STRUCK)),
    Case("out of memory", Fault("error", tier="primary", rows=STRUCK, error="out_of_memory")),
    Case("hang", Fault("hang", tier="primary", rows=STRUCK, seconds=600), DEADLINE_S),
    Case(
        "hang in C that holds the lock",
        Fault("hang", tier="primary", rows=STRUCK, seconds=600, hard=True),
        DEADLINE_S,
    ),
)


def isolated(plan: FaultPlan) -> MendGraph:
    primary = "emotion.tiers.primary.supervision"
    return mendgraph.load(
        "emotion",
        overrides=[f"{primary}.isolation=process", f"{primary}.deadline_s={DEADLINE_S}"],
        wrap=injecting(plan),
    )


def measure(case: Case, repeats: int) -> dict[str, Any]:
    """Runs with the fault and without, in turns, so that the breaker stays closed and the worker is back."""
    with isolated(FaultPlan([case.fault])) as graph:
        until_up(graph)
        answered, forward, answering = [], [], ""
        for number in range(-1, repeats):
            settle(graph)
            whole, source = timed_run(graph)
            until_up(graph)
            bare = timed_forward(graph, source)
            answering = answering or source
            if source != answering:
                raise AssertionError(f"first {answering!r} answered, then {source!r}")
            if number >= 0:
                answered.append(whole)
                forward.append(bare)
    beyond = (np.array(answered) - case.timeout_s - np.median(forward)) * 1e3
    return {
        "name": case.name,
        "answered_by": answering,
        "beyond_ms": round(float(np.median(beyond)), 2),
        "beyond_p95_ms": round(float(np.quantile(beyond, 0.95)), 2),
        "timeout_ms": case.timeout_s * 1e3,
        "fallback_forward_ms": round(float(np.median(forward)) * 1e3, 2),
        "repeats": repeats,
        "must": GOAL.must,
        "aim": GOAL.aim,
        "verdict": GOAL.verdict(float(np.median(beyond))),
    }


def settle(graph: MendGraph) -> None:
    """Good calls between the faults, enough that the breaker does not open."""
    for _ in range(3):
        [answer] = graph.run(SPARED, threshold=0.0, ask="never")
        if answer.source != "primary":
            raise AssertionError(f"{answer.source!r} answered, not the primary: {answer.trail}")


def timed_run(graph: MendGraph) -> tuple[float, str]:
    started = time.perf_counter()
    [answer] = graph.run(STRUCK, threshold=0.0, ask="never")
    spent = time.perf_counter() - started
    if not answer.accepted or answer.source == "primary":
        raise AssertionError(f"the fault did not strike: {answer}")
    return spent, answer.source


def timed_forward(graph: MendGraph, tier: str) -> float:
    row = prepare(STRUCK)
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        graph.tiers[tier].predict([row])
        taken.append(time.perf_counter() - started)
    return float(np.median(taken))


def until_up(graph: MendGraph) -> None:
    ends = time.monotonic() + PATIENCE_S
    while graph.health()["primary"]["state"] != "up":
        if time.monotonic() > ends:
            raise AssertionError(f"the primary does not come back: {graph.health()['primary']}")
        time.sleep(0.01)


def main(repeats: int = 8) -> None:
    before = machine()
    print("p9_failover: answer after a fault of the primary, beyond the time-out and the fallback's forward")
    figures = []
    for case in CASES:
        found = measure(case, repeats)
        figures.append(found)
        beyond = f"{found['beyond_ms']:>8.1f} ms (p95 {found['beyond_p95_ms']:.1f})"
        bare = f"forward of {found['answered_by']}: {found['fallback_forward_ms']:.1f} ms"
        print(f"  {found['name']:<32} {beyond:<26} {found['verdict']:<6} {bare}")
    report = {
        "measure": "p9_failover",
        "what": "whole run after a fault of the primary, minus time-out and fallback forward, in ms",
        "command": "python -m benchmarks.p9_failover",
        "figures": figures,
        "machine": before,
    }
    path = RESULTS / "p9_failover.json"
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"  written to {path.relative_to(RESULTS.parents[1])}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
