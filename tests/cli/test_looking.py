"""The commands that look inside: graph, stats, models, doctor; and `correct`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mendgraph.cli.drawing import as_dot, as_text
from mendgraph.cli.models import main_metric
from mendgraph.core.tier import Tier
from mendgraph.errors import ArtifactMissing
from mendgraph.graphs.emotion import LABELS
from mendgraph.runtime.corrections import CorrectionStore
from mendgraph.runtime.supervised import Supervised
from mendgraph.testing import Scripted
from tests.cascades import IRONY, cascade
from tests.cli import scripted
from tests.cli.conftest import Mend


def test_the_text_drawing_shows_every_node_and_every_way(mend: Mend) -> None:
    ran = mend("graph", "emotion")
    drawable = scripted.load("emotion").graph.get_graph()
    lines = [line for line in ran.out.splitlines() if line.startswith("●")]
    assert lines[0] == "● start"
    assert lines[-1] == "● end"
    for tier in ("emoji", "primary", "lexical"):
        assert any(line.split()[1] == tier for line in lines)
    assert "● ask" in as_text(drawable)
    assert "──▶ settle ↑" in next(line for line in lines if line.startswith("● ask"))
    assert as_text(drawable, unicode=False).isascii()


def test_every_node_is_drawn_after_those_that_lead_to_it() -> None:
    tiers = {"primary": Scripted(scripted.primary), "backup": Scripted(scripted.backup)}
    drawn = as_text(cascade(tiers, irony=IRONY).graph.get_graph())
    names = [line.split()[1] for line in drawn.splitlines() if line.startswith("●")]
    assert names.index("check_primary") < names.index("irony") < names.index("backup") < names.index("settle")


def test_dot_has_every_edge_once_and_dashes_the_conditional_ones() -> None:
    drawable = scripted.load("emotion").graph.get_graph()
    drawn = as_dot(drawable)
    assert drawn.count(" -> ") == len(drawable.edges)
    assert drawn.count("dashed") == sum(edge.conditional for edge in drawable.edges)


def test_mermaid_goes_to_stdout_or_to_a_file(mend: Mend, tmp_path: Path) -> None:
    out = mend("graph", "emotion", "--format", "mermaid").out
    assert "graph TD" in out
    mend("graph", "emotion", "--format", "mermaid", "-o", tmp_path / "emotion.mmd")
    assert (tmp_path / "emotion.mmd").read_text() == out


def test_svg_without_graphviz_says_how_to_get_it(mend: Mend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    ran = mend("graph", "emotion", "--format", "svg")
    assert (ran.code, ran.out) == (1, "")
    assert "hint: install graphviz" in ran.err


def test_stats_count_a_journal_and_skip_what_was_cut_short(mend: Mend, tmp_path: Path) -> None:
    journal = tmp_path / "answers.jsonl"
    mend("run", "emotion", "so happy", "a doubt", "mixed", "", "--journal", journal)
    with journal.open("a") as file:
        file.write('{"input": "cut sh')
    ran = mend("stats", journal, "--json")
    found = json.loads(ran.out)
    assert ran.err == "note: 1 lines hold no answer and were skipped\n"
    assert found["by_status"] == {"accepted": 2, "needs_clarification": 1, "failed": 1}
    assert found["by_source"] == {"primary": 1, "backup": 1}
    assert found["tiers"]["primary"] == {"asked": 3, "answered": 3, "failed": 0, "settled": 1}
    shown = mend("stats", journal).out
    for words in (
        "4 answers, mean confidence 0.70, 1 healed (25%)",
        "needs clarification",
        "asked 3, settled 1",
    ):
        assert words in shown


def test_stats_draw_charts(mend: Mend, tmp_path: Path) -> None:
    journal = tmp_path / "answers.jsonl"
    mend("run", "emotion", "so happy", "a doubt", "--journal", journal)
    ran = mend("stats", journal, "--plots", tmp_path / "charts")
    assert ran.code == 0
    charts = sorted((tmp_path / "charts").iterdir())
    assert [chart.name for chart in charts] == [
        "confidence_by_label.png",
        "confidence_curve.png",
        "tier_bars.png",
    ]
    assert all(str(chart) in ran.err for chart in charts)


def test_stats_of_something_else_is_an_error(mend: Mend, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("[1]\n{}\n")
    assert "holds no answers" in mend("stats", tmp_path / "x.jsonl").err
    assert "No such file" in mend("stats", tmp_path / "y.jsonl").err


def test_a_correction_goes_to_the_store(mend: Mend, own_home: Path) -> None:
    ran = mend("correct", "emotion", "so happy", "love")
    assert ran.err.startswith("stored: love (the graph said joy); 1 corrections")
    stored = CorrectionStore(own_home / "corrections.sqlite", LABELS).all()
    assert [(c.text, c.label, c.answer.source) for c in stored] == [("so happy", "love", "primary")]
    wrong = mend("correct", "emotion", "so happy", "lov")
    assert wrong.code == 1
    assert "did you mean 'love'?" in wrong.err


def test_learning_shows_first_and_writes_only_when_told(
    mend: Mend, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, Any]] = []
    written: list[Path] = []

    class Report:
        def lines(self) -> list[str]:
            return ["accuracy 0.71 -> 0.72"]

        def write(self) -> None:
            written.append(calls[-1]["out"])

    def learn(store: Path, **given: Any) -> Report:
        calls.append({"store": store, **given})
        return Report()

    module = ModuleType("mendgraph.training.emotion.learn")
    module.learn = learn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)

    declined = mend("learn", "emotion", stdin="n\n")
    assert "accuracy 0.71 -> 0.72" in declined.out
    assert "nothing written" in declined.err
    assert calls[0]["store"] == own_home / "corrections.sqlite"
    assert written == []
    mend("learn", "emotion", "--out", own_home / "mine", stdin="y\n")
    mend("learn", "emotion", "--yes", "--out", own_home / "other")
    assert written == [own_home / "mine", own_home / "other"]
    assert not any(call["write"] for call in calls)


def test_a_missing_package_names_the_extra(
    mend: Mend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "rows.parquet").touch()
    ran = mend("run", "emotion", "--input", tmp_path / "rows.parquet")
    assert ran.code == 1
    assert "error: this needs the package 'pyarrow" in ran.err
    assert "hint: pip install 'mendgraph[tables]'" in ran.err


def test_models_check_the_hash_of_every_file(mend: Mend, own_home: Path) -> None:
    from mendgraph.adapters.artifacts import write_artifact

    for name in ("good", "torn"):
        folder = own_home / "models" / name
        folder.mkdir(parents=True)
        (folder / "table.json").write_text("[1, 2]")
        metrics = {"dev": {"rows": 10, "macro_f1": 0.7}}
        write_artifact(
            folder, name=name, kind="lexical", task="emotion", files=["table.json"], metrics=metrics
        )
    (own_home / "models" / "torn" / "table.json").write_text("[1, 3]")
    found = {
        m["name"]: m
        for m in map(json.loads, mend("models", "--json").out.splitlines())
        if m["where"] == "home"
    }
    assert found["good"]["error"] == ""
    assert found["good"]["metric"] == "dev.macro_f1 0.700"
    assert "SHA-256" in found["torn"]["error"]
    shown = mend("models").out
    assert "refused" in shown
    assert "dev.macro_f1 0.700" in shown


@pytest.mark.parametrize(
    ("metrics", "shown"),
    [
        ({"loss": 0.4, "test": {"macro_f1": 0.71, "accuracy": 0.8}}, "test.macro_f1 0.710"),
        ({"rows": 3, "name": "x", "exact": True}, "rows 3.000"),
        ({}, ""),
    ],
)
def test_the_main_figure_of_a_manifest(metrics: dict[str, Any], shown: str) -> None:
    assert main_metric(metrics) == shown


def refused() -> Tier:
    """Opens a tier whose weights are not there."""
    raise ArtifactMissing("no weights here")


@pytest.mark.parametrize(
    ("tiers", "fitted", "code", "problems"),
    [
        (["primary"], True, 0, []),
        (["primary", "broken"], True, 1, ["emotion: tier broken is down"]),
        (
            ["primary"],
            False,
            1,
            [
                "emotion: no fitted policy, so nothing is accepted unasked",
                "emotion: tier primary has no calibration for its weights",
            ],
        ),
        (["broken"], True, 2, ["emotion: no tier could answer", "emotion: tier broken is down"]),
    ],
)
def test_doctor_judges_by_exit_code(
    mend: Mend,
    monkeypatch: pytest.MonkeyPatch,
    tiers: list[str],
    fitted: bool,
    code: int,
    problems: list[str],
) -> None:
    policy: dict[str, Any] = {} if fitted else {"calibrators": {}}

    def load(name: str, **given: Any) -> Any:  # anew each time, since doctor closes what it opened
        known: dict[str, Any] = {
            "primary": Scripted(scripted.primary),
            "broken": Supervised("broken", refused),
        }
        return cascade({tier: known[tier] for tier in tiers}, **policy)

    monkeypatch.setattr(sys.modules["mendgraph.assembly"], "load", load)
    monkeypatch.setattr("mendgraph.cli.doctor.known_graphs", lambda: ["emotion"])
    # What this machine has installed is not what this test is about.
    monkeypatch.setattr(
        "mendgraph.cli.checks.encoder", lambda *given: {"name": "", "path": "", "sha256": "", "error": None}
    )
    monkeypatch.setattr(
        "mendgraph.cli.checks.packages", lambda: [{"name": "x", "version": "1", "needs": "<2", "ok": True}]
    )
    ran = mend("doctor", "--json")
    report = json.loads(ran.out)
    assert (ran.code, report["exit_code"], report["problems"]) == (code, code, problems)
    assert report["home"]["writable"]
    shown = mend("doctor")
    assert shown.code == code
    assert {0: "healthy", 1: "degraded", 2: "cannot answer"}[code] in shown.out


def test_doctor_tries_every_graph_with_a_row_of_its_own(mend: Mend, monkeypatch: pytest.MonkeyPatch) -> None:
    report = json.loads(mend("doctor", "--json").out)
    assert list(report["graphs"]) == ["conflict", "emotion", "prompt_routing", "reflection", "token_routing"]
    for name, graph in report["graphs"].items():
        assert graph["error"] is None
        assert list(graph["tiers"]) == (["reader", "types"] if name == "conflict" else ["primary", "backup"])
    assert report["graphs"]["conflict"]["tiers"]["types"]["helper"]
    assert not any("types" in problem for problem in report["problems"])
    assert report["graphs"]["conflict"]["trial"].startswith(
        "'When was the bridge over the Oder built?': 1912"
    )
    assert "counsellor: You want to quit" in report["graphs"]["reflection"]["trial"]


def test_every_graph_can_be_drawn_without_its_models(mend: Mend) -> None:
    lines = [line.split()[1] for line in mend("graph", "reflection").out.splitlines() if line.startswith("●")]
    assert lines[:4] == ["start", "prepare", "primary", "check_primary"]
    assert "irony" not in lines


def test_stats_count_answers_about_pairs(mend: Mend, tmp_path: Path) -> None:
    journal = tmp_path / "answers.jsonl"
    mend("run", "reflection", "--prompt", "I drink", "--response", "You drink", "--journal", journal)
    found = json.loads(mend("stats", journal, "--json").out)
    assert (found["by_label"], found["total"]) == ({"complex": 1}, 1)


def test_doctor_finds_packages_outside_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    from mendgraph.cli import checks

    lines = ["rich>=14,<16", "numpy<1", "nowhere>=2", 'absent; extra == "viz"', 'pytest; extra == "test"']
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    found = {package["name"]: package for package in checks.packages()}
    assert {name: package["ok"] for name, package in found.items()} == {
        "rich": True,
        "numpy": False,
        "nowhere": False,
    }
    assert found["nowhere"]["version"] is None
