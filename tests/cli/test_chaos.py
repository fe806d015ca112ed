"""`mend chaos` over scripted tiers in the shape of the shipped graph."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import mendgraph.chaos.run
from mendgraph.app import MendGraph
from mendgraph.cli.main import app
from mendgraph.config import Config
from mendgraph.core.calibration import Temperature
from mendgraph.runtime.journal import Journal
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Scripted
from tests.cascades import cascade


def same(tier: Scripted) -> Scripted:
    return tier


def scripted(name: str, *, config: Config, wrap: Any, journal: Journal) -> MendGraph:
    """Stands in for `mendgraph.load`: the configuration's tiers and supervision, without models."""
    spec = config.graph(name)
    tiers = {
        tier: Supervised(
            tier, wrap(tier, partial(same, Scripted({}, otherwise="joy"))), spec.supervision_of(tier)
        )
        for tier in spec.tiers
    }
    calibrators = {tier: Temperature(1.0, "scripted") for tier in tiers}
    return cascade(tiers, ask=spec.ask, journal=journal, calibrators=calibrators)


@pytest.fixture
def chaos(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(mendgraph.chaos.run, "load", scripted)
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, ["chaos", "emotion", *map(str, arguments)], catch_exceptions=False)

    return run


def plan(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plan_strikes_and_every_row_is_answered(chaos: Any, tmp_path: Path) -> None:
    faults = "faults:\n  - {tier: primary, kind: crash, every: 3}\n  - {tier: primary, kind: corrupt, at_call: 5}\n"
    result = chaos(
        "--plan", plan(tmp_path, faults), "--minutes", 0.025, "--rate", 300, "--json", tmp_path / "report.json",
        "--plots", tmp_path / "plots",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "every row answered once, nothing leaked" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["rows"]["sent"] == report["rows"]["answered"] > 0
    assert report["rows"]["lost"] == report["rows"]["duplicated"] == 0
    assert report["faults"]["by_kind"]["crash"] > 0
    assert report["faults"]["by_kind"]["corrupt"] == 1
    assert report["rows"]["healed_by"] == {"lexical": report["rows"]["healed"]}
    assert report["settings"]["isolation"]["primary"] == "inline"
    assert {path.name for path in (tmp_path / "plots").iterdir()} <= {"latency.png", "memory.png"}


def test_random_faults_over_rows_of_ones_own(chaos: Any, tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("one\ntwo\n\nthree\n")
    result = chaos("--random", "--input", rows, "--minutes", 0.025, "--rate", 300, "--seed", 3, "--json", "-")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["settings"]["plan"] == "random"
    assert report["faults"]["struck"] > 0
    assert report["problems"] == []


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        ("faults: [{tier: primry, kind: crash}]", "no tier 'primry'"),
        ("faults: [{tier: primary, kind: kill}]", "kill strikes tier 'primary', which runs inline"),
        ("faults: [{kind: crsh}]", "did you mean 'crash'"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(chaos: Any, tmp_path: Path, faults: str, message: str) -> None:
    result = chaos("--plan", plan(tmp_path, faults), "--minutes", 0.02)
    assert result.exit_code == 1
    assert message in " ".join(result.stderr.split())


def test_it_wants_a_plan_or_chance_and_rows_it_can_tell_apart(chaos: Any, tmp_path: Path) -> None:
    assert chaos("--minutes", 1).exit_code == 2
    assert chaos("--random", "--plan", tmp_path / "plan.yaml").exit_code == 2
    rows = tmp_path / "rows.txt"
    rows.write_text("one\none\n")
    result = chaos("--random", "--input", rows)
    assert result.exit_code == 1
    assert "1 distinct texts" in result.stderr


def test_lost_rows_end_with_an_error(chaos: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = MendGraph.run
    monkeypatch.setattr(MendGraph, "run", lambda self, rows, **given: whole(self, rows, **given)[1:])
    result = chaos("--random", "--minutes", 0.02, "--rate", 100)
    assert result.exit_code == 1
    assert "rows lost" in result.stdout
