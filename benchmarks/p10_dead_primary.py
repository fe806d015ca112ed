"""P10: how often a dead primary is still called, over 15 separate requests after it died.

A request is a run of the graph with one row.  The primary dies of a crash at every call, of a hang (in a thread and in
a worker process, with a deadline), of a killed worker, or of weights that are not there; it is new, or has answered
1,000 calls before; requests follow at once, or a second apart, so that workers restart in between.  Everything else is
as it comes: the default supervision, its breaker with it.  Calls are counted by the primary itself, on disk, so that
retries, restarts and probes count as well.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import mendgraph
from benchmarks.harness import RESULTS, Goal, machine
from mendgraph import MendGraph, Tier
from mendgraph.core.calibration.temperature import Temperature
from mendgraph.core.healing import HealingPolicy
from mendgraph.core.supervision import Supervision
from mendgraph.errors import ArtifactMissing
from mendgraph.graphs.emotion import LABELS
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Fault, FaultPlan, Scripted, injecting

REQUESTS = 15
BEFORE = 1000
APART_S = (0.0, 1.0)
DEADLINE_S = 0.2
GOAL = Goal(4, 2, "lower")
LITELLM = "33 calls per 11 requests, its default"


@dataclass(frozen=True, slots=True)
class Death:
    """How the primary dies, and where it runs."""

    name: str
    fault: Fault
    policy: Supervision = field(default_factory=Supervision)


DEATHS = (
    Death("crash, inline", Fault("crash")),
    Death("hub offline, which may be retried, inline", Fault("error", error="hub_unavailable")),
    Death("not finite scores, inline", Fault("nan")),
    Death("hang, thread", Fault("hang", seconds=60), Supervision(isolation="thread", deadline_s=DEADLINE_S)),
    Death(
        "hang, process", Fault("hang", seconds=60), Supervision(isolation="process", deadline_s=DEADLINE_S)
    ),
    Death(
        "hang in C that holds the lock, process",
        Fault("hang", seconds=60, hard=True),
        Supervision(isolation="process", deadline_s=DEADLINE_S),
    ),
    Death("killed, process", Fault("kill"), Supervision(isolation="process")),
)


def primary(folder: str) -> Scripted:
    """Answers every row; refuses to open while its weights are gone, and counts how often it was tried."""
    with (Path(folder) / "openings").open("ab") as file:
        file.write(b".")
    if (Path(folder) / "gone").exists():
        raise ArtifactMissing("the weights are not there", hint="put them back")
    return Scripted({}, otherwise="joy", name="primary", fingerprint="primary")


def cascade(first: Tier) -> MendGraph:
    backup = Scripted({}, otherwise="fear", fingerprint="backup")
    calibrators = {"primary": Temperature(1.0, "primary"), "backup": Temperature(1.0, "backup")}
    policy = HealingPolicy(labels=LABELS, calibrators=calibrators, thresholds={"default": 0.6})
    return mendgraph.load("emotion", tiers={"primary": first, "backup": backup}, policy=policy)


def dead(death: Death, before: int, apart_s: float, folder: Path) -> dict[str, Any]:
    """15 requests over a primary that dies after `before` good ones."""
    plan = folder / "plan.json"
    recipe = Recipe("benchmarks.p10_dead_primary:primary", {"folder": str(folder)})
    source = injecting(plan, ledger=folder)("primary", recipe)
    with cascade(Supervised("primary", source, death.policy)) as graph:
        until(lambda: graph.health()["primary"]["state"] == "up")
        for _ in range(before):
            assert graph.run("good")[0].source == "primary"
        fault = replace(death.fault, tier="primary")
        plan.write_text(json.dumps(FaultPlan([fault]).to_dict()), encoding="utf-8")
        return requests(graph, folder, apart_s)


def gone(apart_s: float, folder: Path) -> dict[str, Any]:
    """15 requests over a primary that never opened, for lack of weights; an attempt to open it counts as a call."""
    (folder / "gone").touch()
    source = partial(primary, str(folder))
    with cascade(Supervised("primary", source)) as graph:
        return requests(graph, folder, apart_s, counted="openings")


def requests(
    graph: MendGraph, folder: Path, apart_s: float, *, counted: str = "primary.calls"
) -> dict[str, Any]:
    """Sends them, and counts what reached the primary."""
    already = size(folder / counted)
    seconds = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        answer = graph.run("a row")[0]
        seconds.append(time.perf_counter() - started)
        assert (answer.status, answer.source) == ("accepted", "backup"), answer
        time.sleep(apart_s)
    return {
        "calls_to_the_dead_primary": size(folder / counted) - already,
        "slowest_request_ms": round(max(seconds) * 1e3, 2),
        "fastest_request_ms": round(min(seconds) * 1e3, 2),
    }


def size(file: Path) -> int:
    """A byte for every call."""
    return file.stat().st_size if file.exists() else 0


def until(well: Callable[[], bool], patience: float = 60.0) -> None:
    end = time.monotonic() + patience
    while not well():
        assert time.monotonic() < end, "the primary did not start"
        time.sleep(0.02)


def words(apart_s: float) -> str:
    return f"{apart_s:g} s apart" if apart_s else "at once"


def main() -> None:
    at_start = machine()
    cases = [
        (f"{death.name}; {before:,} calls before; {words(apart_s)}", partial(dead, death, before, apart_s))
        for death in DEATHS
        for before in (0, BEFORE)
        for apart_s in APART_S
    ]
    cases += [(f"weights missing, inline; {words(apart_s)}", partial(gone, apart_s)) for apart_s in APART_S]
    print(f"p10_dead_primary: calls sent to a dead primary over {REQUESTS} requests (LiteLLM: {LITELLM})")
    figures = []
    for name, run in cases:
        with tempfile.TemporaryDirectory() as folder:
            found = run(Path(folder))
        verdict = GOAL.verdict(found["calls_to_the_dead_primary"])
        figures.append({"name": name, **found, "must": GOAL.must, "aim": GOAL.aim, "verdict": verdict})
        slowest = found["slowest_request_ms"]
        print(
            f"  {name:<74} {found['calls_to_the_dead_primary']:>3}  {verdict:<6} slowest {slowest:>7.1f} ms"
        )
    report = {
        "measure": "p10_dead_primary",
        "what": f"calls sent to a dead primary over {REQUESTS} separate requests",
        "command": "python -m benchmarks.p10_dead_primary",
        "elsewhere": {"LiteLLM": LITELLM},
        "figures": figures,
        "machine": at_start,
    }
    path = RESULTS / "p10_dead_primary.json"
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"  written to {path.relative_to(RESULTS.parents[1])}")


if __name__ == "__main__":
    main()
