"""The whole evaluation on small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mendgraph.config import load_config
from mendgraph.errors import DataError, UnknownNameError
from mendgraph.evaluation import emotion
from mendgraph.evaluation.emotion import measure
from mendgraph.evaluation.emotion.datasets import read_datasets, wanted_sets
from mendgraph.evaluation.report import Report
from tests.evaluation.corpora import scripted_graph, write_raw

CHARTS = {"reliability.png", "risk_coverage.png", "confusion_matrix.png", "confidence_by_emotion.png"}


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """`load` gives scripted tiers in place of models."""
    monkeypatch.setattr(measure, "load", lambda name, **given: scripted_graph())


def run(folder: Path, *only: str, plots: Path | None = None) -> Report:
    wanted = wanted_sets(only)
    datasets = read_datasets(folder, wanted, lambda line: None)
    return measure.report_on(scripted_graph(), load_config(), datasets, wanted, plots_dir=plots, resamples=20)


@pytest.mark.usefixtures("scripted")
def test_figures_and_charts_are_written(tmp_path: Path) -> None:
    told: list[str] = []
    report = emotion.evaluate(
        load_config(),
        write_raw(tmp_path / "raw"),
        echo=told.append,
        json_path=tmp_path / "figures.json",
        plots_dir=tmp_path / "plots",
        resamples=20,
    )
    assert {path.name for path in report.files} == CHARTS == {p.name for p in (tmp_path / "plots").iterdir()}
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures) == [
        "about", "data", "scores", "selection", "healing", "contrast", "irony", "cost", "targets",
    ]  # fmt: skip
    assert set(figures["scores"]) == {
        "goemotions", "carer", "meld", "tweeteval_emotion", "contrast", "balanced", "goemotions_and_carer",
    }  # fmt: skip
    assert figures["about"]["tiers"]["primary"]["fingerprint"] == "scripted"
    assert [target["id"] for target in figures["targets"]["targets"]] == ["Q1", "Q1", "Q2", "Q3", "Q3", "Q4"]
    assert told[-1].endswith("figures.json")


def test_every_table_is_rectangular_and_has_a_title(tmp_path: Path) -> None:
    for table in run(write_raw(tmp_path)).tables():
        assert table.title
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.header)}


def test_the_cascade_heals_what_one_tier_alone_gets_wrong(tmp_path: Path) -> None:
    figures = run(write_raw(tmp_path), "goemotions").to_dict()
    scores = {entry["system"]: entry for entry in figures["scores"]["goemotions"]}
    assert scores["majority class"]["accuracy"] == pytest.approx(1 / 8)
    assert scores["cascade"]["accuracy"] > scores["primary"]["accuracy"]
    low, high = scores["cascade"]["accuracy_interval"]
    assert low <= scores["cascade"]["accuracy"] <= high
    against = {entry["against"]: entry for entry in figures["healing"]["gains"]}
    assert figures["healing"]["best_single_tier"] == "backup"
    assert against["primary"]["rescued"] > 0
    settled = sum(entry["rows"] for entry in figures["healing"]["outcomes"]["settled"])
    assert settled == figures["healing"]["outcomes"]["rows"] == 64
    assert 1.0 < figures["cost"]["tiers_per_row"] <= 2.0
    assert [rate["system"] for rate in figures["cost"]["rates"]] == ["primary", "backup", "cascade"]


def test_only_what_is_wanted_is_measured(tmp_path: Path) -> None:
    assert list(run(write_raw(tmp_path), "irony").to_dict()) == ["about", "data", "scores", "irony"]
    mixed = run(tmp_path, "balanced").to_dict()
    assert list(mixed["scores"]) == ["balanced", "goemotions_and_carer"]
    assert {entry["rows"] for entry in mixed["scores"]["balanced"]} == {8 * 11}
    assert [target["verdict"] for target in mixed["targets"]["targets"]] == ["not these weights"]


def test_without_train_there_is_no_tfidf_line(tmp_path: Path) -> None:
    folder = write_raw(tmp_path)
    with_train = {s["system"] for s in run(folder, "goemotions").to_dict()["scores"]["goemotions"]}
    (folder / "goemotions_train.parquet").unlink()
    without = {s["system"] for s in run(folder, "goemotions").to_dict()["scores"]["goemotions"]}
    assert with_train - without == {"TF-IDF + logistic regression"}


@pytest.mark.usefixtures("scripted")
def test_wrong_requests_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'moon'"):
        emotion.evaluate(load_config(), tmp_path, only=("moon",))
    with pytest.raises(DataError, match="goemotions_test"):
        emotion.evaluate(load_config(), tmp_path)
