"""Chaos over scripted tiers: every row is answered once, and the counts add up."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from mendgraph.app import MendGraph
from mendgraph.chaos.charts import chaos_charts
from mendgraph.chaos.report import ChaosReport, report_of
from mendgraph.chaos.storm import Moment, storm
from mendgraph.core.calibration import Temperature
from mendgraph.core.supervision import BreakerPolicy, Supervision
from mendgraph.runtime.recipe import Recipe
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Fault, FaultPlan, Faulty, Scripted, injecting
from tests.cascades import cascade

TEXTS = [f"text number {number}" for number in range(40)]


def scripted_tier(label: str) -> Scripted:
    return Scripted({}, otherwise=label, fingerprint="scripted")


def stormy(
    tmp_path: Path,
    *faults: Fault,
    isolation: Any = "inline",
    seconds: float = 1.5,
    rate: float | None = 400.0,
) -> tuple[ChaosReport, list[Moment]]:
    plan = FaultPlan(faults, seed=1, start=time.time())
    wrap = injecting(plan, ledger=tmp_path / "ledger")
    policy = Supervision(
        isolation=isolation,
        deadline_s=None if isolation == "inline" else 0.3,
        backoff_s=0.001,
        breaker=BreakerPolicy(cool_down_s=0.1, max_cool_down_s=0.2),
    )
    tiers = {}
    for name, label in (("primary", "joy"), ("backup", "fear")):
        recipe = Recipe("tests.chaos.test_storm:scripted_tier", {"label": label})
        tiers[name] = Supervised(name, wrap(name, recipe), policy)
    moments: list[Moment] = []
    # A worker that has not started yet cannot say what it will be: the policy is fitted for these weights.
    calibrators = {name: Temperature(1.0, "scripted") for name in tiers}
    with cascade(tiers, calibrators=calibrators) as graph:
        seen = storm(
            graph,
            TEXTS,
            seconds=seconds,
            threads=4,
            rate=rate,
            ledger=tmp_path / "ledger",
            tell=moments.append,
        )
    return report_of(seen, {"seconds": seconds}, None, None), moments


def adds_up(report: ChaosReport) -> None:
    rows = report.facts["rows"]
    assert report.problems == []
    assert rows["lost"] == rows["duplicated"] == rows["out_of_order"] == rows["unreadable"] == 0
    assert rows["sent"] == sum(rows["by_status"].values()) > 0
    assert rows["answered"] + rows["all_tiers_failed"] == rows["sent"]
    assert sum(rows["by_source"].values()) == rows["by_status"].get("accepted", 0)
    latency = report.facts["latency_ms"]
    assert latency["calm"]["requests"] + latency["under_faults"]["requests"] == len(report.seconds)


def test_in_a_calm_everything_is_answered_by_the_primary(tmp_path: Path) -> None:
    report, moments = stormy(tmp_path, seconds=0.8)
    adds_up(report)
    assert set(report.facts["rows"]["by_source"]) == {"primary"}
    assert report.facts["faults"]["struck"] == report.facts["latency_ms"]["under_faults"]["requests"] == 0
    assert moments[-1].tiers == {"primary": "up", "backup": "up"}


@pytest.mark.parametrize("isolation", ["inline", "thread"])
def test_faults_heal_and_breakers_open_and_close_again(tmp_path: Path, isolation: str) -> None:
    report, moments = stormy(
        tmp_path,
        Fault("crash", tier="primary", from_s=0.2, until_s=0.7),
        Fault("nan", tier="primary", share=0.5, from_s=0.9, until_s=1.2),
        isolation=isolation,
        seconds=2.0,
    )
    adds_up(report)
    facts = report.facts
    assert facts["rows"]["healed_by"].keys() == {"backup"}
    assert facts["faults"]["by_kind"].keys() == {"crash", "nan"}
    assert facts["failures"]["primary: crashed"] > 0
    assert facts["breaker_openings"]["primary"] >= 1
    assert facts["tiers"]["primary"]["breaker"] == "closed"
    assert {"open", "up"} <= {moment.tiers["primary"] for moment in moments}


def test_a_hang_meets_its_deadline_under_load(tmp_path: Path) -> None:
    report, _ = stormy(
        tmp_path,
        Fault("hang", tier="primary", seconds=1.0, from_s=0.2, until_s=0.6),
        isolation="thread",
        seconds=1.5,
    )
    adds_up(report)
    assert report.facts["failures"]["primary: deadline"] > 0
    assert report.facts["latency_ms"]["under_faults"]["p99"] < 1000.0


def test_killed_workers_lose_no_row(tmp_path: Path) -> None:
    report, _ = stormy(
        tmp_path,
        Fault("kill", tier="primary", at_call=5),
        isolation="process",
        seconds=2.0,
        rate=100.0,
    )
    adds_up(report)
    assert report.facts["faults"]["by_kind"] == {"kill": 1}
    assert report.facts["worker_restarts"]["primary"] >= 1
    assert report.facts["failures"]["primary: worker_died"] > 0
    assert report.facts["resources"]["leaks"] == []


def test_rows_that_every_tier_failed_are_reported_apart(tmp_path: Path) -> None:
    report, _ = stormy(tmp_path, Fault("error", error="hub_unavailable"), seconds=0.6)
    adds_up(report)
    rows = report.facts["rows"]
    assert rows["all_tiers_failed"] == rows["sent"]
    assert rows["answered"] == 0


class Losing(MendGraph):
    """Forgets the last row of a request, or answers its first one twice."""

    twice = False

    def run(self, inputs: Any, **options: Any) -> Any:
        answers = super().run(inputs, **options)
        return [answers[0], *answers] if self.twice else answers[:-1]


@pytest.mark.parametrize(("twice", "problem"), [(False, "rows lost"), (True, "rows answered twice")])
def test_a_graph_that_loses_or_repeats_rows_is_found_out(
    monkeypatch: pytest.MonkeyPatch, twice: bool, problem: str
) -> None:
    graph = cascade({"primary": Scripted({}), "backup": Scripted({})})
    graph.__class__ = Losing
    monkeypatch.setattr(Losing, "twice", twice)
    report = report_of(storm(graph, TEXTS, seconds=0.3, rate=200.0), {}, None, None)
    assert any(problem in line for line in report.problems)


def test_a_run_that_raises_loses_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any, **options: Any) -> Any:
        raise RuntimeError("a bug")

    graph = cascade({"primary": Scripted({})})
    monkeypatch.setattr(graph, "run", fails)
    report = report_of(storm(graph, TEXTS, seconds=0.2, rate=100.0), {}, None, None)
    assert report.facts["rows"]["lost"] == report.facts["rows"]["sent"] > 0
    assert any("RuntimeError: a bug" in line for line in report.problems)


def test_charts_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    tier = Faulty(Scripted({}), FaultPlan([Fault("slow", seconds=0.01, every=3)]), ledger=tmp_path)
    seen = storm(cascade({"primary": tier}), TEXTS, seconds=0.4, rate=200.0, ledger=tmp_path)
    for path in chaos_charts(report_of(seen, {}, None, None), tmp_path / "plots"):
        assert path.read_bytes().startswith(b"\x89PNG")
