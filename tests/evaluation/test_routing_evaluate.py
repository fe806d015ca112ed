"""`mend eval prompt_routing` on small tables in which the prompt matters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mendgraph.config import Config, load_config
from mendgraph.core.arrays import BoolArray
from mendgraph.errors import DataError, UnknownNameError
from mendgraph.evaluation.prompt_routing import evaluate
from mendgraph.evaluation.prompt_routing.answers import Effort, accuracies, read_alpacaeval, rules
from mendgraph.evaluation.prompt_routing.cascade import (
    NOBODY,
    Collected,
    Routed,
    cascade_section,
    checked,
    collect,
)
from mendgraph.evaluation.prompt_routing.choices import Choice
from mendgraph.evaluation.prompt_routing.datasets import read_tables
from mendgraph.evaluation.prompt_routing.measure import SETS, Size
from mendgraph.evaluation.prompt_routing.readings import Columns, Readings, SideBySide
from mendgraph.evaluation.prompt_routing.resampling import Estimate
from mendgraph.evaluation.prompt_routing.strong_calls import StrongCalls
from mendgraph.evaluation.prompt_routing.targets import q6_known, q6_unseen, q7
from mendgraph.testing import Failing
from mendgraph.training.emotion.tables import write_table
from mendgraph.training.prompt_routing.data_specs import OutcomesData, TrainingSpec
from mendgraph.training.prompt_routing.files import read_columns
from mendgraph.training.prompt_routing.outcomes import Outcomes
from mendgraph.training.prompt_routing.specs import RegressionLossSpec, RidgeSpec, StrengthHeadSpec
from tests import tiny
from tests.llms import Rating, catalog
from tests.routers import router
from tests.training.prompt_routing.routing_data import outcomes, prompts, write_files

SMALL = Size(
    mmlu=40, gsm8k=20, draws=2, folds=3, resamples=30, permutations=10, judged=0.3, ablation_epochs=1,
    effort=Effort(epochs=1, embedding_epochs=1, answers=6, tuned_answers=3, tuned_epochs=1),
)  # fmt: skip


def write_pair(path: Path, count: int, splits: tuple[str, ...], seed: int, *, subjects: bool) -> None:
    """The strong model is better wherever a cat is mentioned, and never worse."""
    texts = prompts(count, seed=seed)
    table: dict[str, list[Any]] = {
        "prompt": list(texts),
        "weak_correct": [int("cat" not in text) for text in texts],
        "strong_correct": [1] * count,
        "split": [splits[row % len(splits)] for row in range(count)],
    }
    types = dict.fromkeys(table, "string") | {"weak_correct": "int64", "strong_correct": "int64"}
    if subjects:
        table["subject"] = [f"s{row % 7}" for row in range(count)]
        types["subject"] = "string"
    write_table(path, table, types)


def write_all(folder: Path) -> None:
    write_pair(folder / "routellm_mmlu.parquet", 140, ("train", "train", "dev"), 11, subjects=True)
    write_pair(folder / "routellm_gsm8k.parquet", 80, ("train", "train", "dev", "test"), 12, subjects=False)
    found = outcomes(120, seed=13)
    table: dict[str, list[Any]] = {
        "split": ["test" if row % 5 == 0 else "train" for row in range(120)],
        "prompt": list(found.prompts),
        "task": [f"t{row % 4}" for row in range(120)],
        "test_in_train": [0] * 120,
    }
    names = ("gemma-2-9b-it", "codegemma-7b", "qwen2.5-7b-instruct")
    table |= {f"score__{name}": column for name, column in zip(names, found.scores.T.tolist(), strict=True)}
    types = dict.fromkeys(table, "string") | {"test_in_train": "int64"}
    types |= {f"score__{name}": "double" for name in names}
    write_table(folder / "llmrouter_9models.parquet", table, types)


def write_alpacaeval(folder: Path) -> None:
    write_files(folder, outcomes(60, seed=14))
    texts = prompts(60, seed=14)
    listed = {
        "prompt_id": [f"p{row}" for row in range(60)],
        "instruction": list(texts),
        "split": ["dev" if row % 4 == 0 else "train" for row in range(60)],
    }
    write_table(folder / "alpacaeval_prompts.parquet", listed, dict.fromkeys(listed, "string"))


def recipe(name: str) -> TrainingSpec:
    return TrainingSpec(
        name=name,
        data=(OutcomesData(path="none.parquet"),),
        layers=(-1,),
        max_length=32,
        head=StrengthHeadSpec(rank=4),
        loss=RegressionLossSpec(),
        optimizer_spec=RidgeSpec(penalty=1.0),
    )


def configured(encoder: Path) -> Config:
    return load_config(None, [f"prompt_routing.encoder={encoder}", "prompt_routing.max_length=32"])


def test_the_whole_report(tmp_path: Path) -> None:
    encoder = tiny.save_encoder(tmp_path / "encoder")
    write_all(tmp_path)
    heard: list[str] = []
    report = evaluate(
        configured(encoder),
        tmp_path,
        echo=heard.append,
        json_path=tmp_path / "out" / "report.json",
        plots_dir=tmp_path / "plots",
        only=("mmlu", "gsm8k", "llmrouter", "ablation"),
        recipes={name: recipe(name) for name in ("router", "router_pair")},
        size=SMALL,
    )
    titles = [table.title for table in report.tables()]
    assert titles[0] == "RouteLLM MMLU, 40 labels, known subjects"
    assert titles[-1] == "Targets"
    assert "Does the prompt matter?" in titles
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    router = written["mmlu_known"]["routers"]["router"]
    assert router["apgr"]["value"] > 0.65  # half of the prompts need the strong model: nobody gets above .75
    assert router["apgr"]["interval"][0] > 0.5
    assert len(router["apgr"]["draws"]) == 2
    assert written["mmlu_known"]["routers"]["best single"]["apgr"]["value"] == pytest.approx(0.5)
    assert written["nine_models"]["crossvalidated"]["router"]["gap_share"]["value"] > 0.3
    assert written["shuffle"]["MMLU, known subjects"]["shuffled"] < 0.7
    assert written["about"]["recipes"]["router"]["optimizer_spec"]["penalty"] == 1.0
    assert sorted(file.name for file in report.files) == ["routing_frontier.png", "routing_recovery.png"]
    assert all(file.stat().st_size > 1000 for file in report.files)
    assert any("prompts encoded" in line for line in heard)
    verdicts = {row[1]: row[-1] for row in report.tables()[-1].rows}
    assert verdicts["RouteLLM MMLU, 40 labels: APGR; CPT50"] in {"must met", "aim met"}


def test_embeddings_from_answers_and_from_results(tmp_path: Path) -> None:
    encoder = tiny.save_encoder(tmp_path / "encoder")
    write_all(tmp_path)
    write_alpacaeval(tmp_path)
    preferences = {name: column for name, column in _columns(tmp_path).items() if name != "len_model"}
    preferences["len_model"] = [float(len(name)) for name in preferences["model"]]
    types = dict.fromkeys(preferences, "string") | {"preference": "float", "len_model": "float"}
    write_table(tmp_path / "alpacaeval_preferences.parquet", preferences, types)
    report = evaluate(
        configured(encoder),
        tmp_path,
        only=("alpacaeval",),
        recipes={name: recipe(name) for name in ("router", "router_pair")},
        size=SMALL,
    )
    (table,) = report.tables()
    names = [row[0] for row in table.rows]
    assert names[:2] == ["random", "Bradley-Terry ranking"]
    assert {name.partition(",")[0] for name in names[4:]} == {
        "outcomes",
        "frozen",
        "attention",
        "finetunable",
    }
    found = read_alpacaeval(tmp_path)
    assert found is not None
    assert not {found.test.prompts[row] for row in found.test.rows} & {
        found.train.prompts[row] for row in found.train.rows
    }
    perfect = np.zeros((len(found.test.prompts), len(found.test.models)))
    for row, first, second, outcome in zip(
        found.test.rows, found.test.first, found.test.second, found.test.outcome, strict=True
    ):
        perfect[row, first if outcome > 0.5 else second] += 1
    measured = accuracies({**rules(found), "perfect": perfect}, found.test, resamples=20)
    assert measured["perfect"].accuracy.value == pytest.approx(1.0)
    assert measured["perfect"].shuffled < 1.0
    assert measured["Bradley-Terry ranking"].over_ranking.value == 0.0


def _columns(folder: Path) -> dict[str, list[Any]]:
    return read_columns(folder / "alpacaeval_preferences.parquet")


def test_without_alpacaeval_it_is_left_out(tmp_path: Path) -> None:
    assert read_alpacaeval(tmp_path) is None


def test_an_unknown_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="part of the evaluation"):
        evaluate(load_config(), tmp_path, only=("goemotions",))
    assert set(SETS) >= {"mmlu", "llmrouter", "graph"}


def test_training_rows_that_a_test_has_are_dropped(tmp_path: Path) -> None:
    write_all(tmp_path)
    before = read_tables(tmp_path)
    text = before["mmlu"].test.prompts[0]
    write_pair(tmp_path / "routellm_gsm8k.parquet", 80, ("train", "train", "dev", "test"), 12, subjects=False)
    sums = _leaky(tmp_path / "routellm_gsm8k.parquet", text)
    after = read_tables(tmp_path)
    assert sums in {0}
    assert after["gsm8k"].dropped == before["gsm8k"].dropped + 1
    assert text not in after["gsm8k"].train.prompts


def _leaky(path: Path, text: str) -> int:
    """Writes `text` over the first training prompt; its row."""
    table = read_columns(path)
    row = table["split"].index("train")
    table["prompt"][row] = text
    types = dict.fromkeys(table, "string") | {"weak_correct": "int64", "strong_correct": "int64"}
    write_table(path, table, types)
    return row


def test_readings_are_computed_once_and_sliced() -> None:
    asked: list[str] = []

    def encode(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[float(len(text)), 1.0, 2.0] for text in texts]

    whole = Readings(encode)  # type: ignore[arg-type]
    both = SideBySide([Columns(whole, slice(0, 1)), Columns(whole, slice(2, 3))])
    assert both.of(["a", "bbb", "a"]).tolist() == [[1.0, 2.0], [3.0, 2.0], [1.0, 2.0]]
    assert sorted(asked) == ["a", "bbb"]


def collected(accepted: BoolArray) -> Collected:
    table = Outcomes.of(["a", "b", "c", "d"], ["x", "y"], np.array([[1, 0], [1, 0], [0, 1], [0.98, 1]]))
    first = Routed("router", np.array([0, 1, NOBODY, 0]), np.array([0.9, 0.4, 0.0, 0.8]))
    graph = Routed("graph", np.array([0, 0, 1, 0]), np.array([0.9, 0.6, 0.7, 0.8]))
    return Collected(table, (first,), graph, accepted, {"router": 2, "blind": 2})


def test_what_the_later_tiers_add() -> None:
    found = collected(np.array([True, False, False, True]))
    measured = checked(found, 0.05, resamples=50)
    assert measured["router"].good == 0.5
    assert measured["graph"].good == 1.0
    assert measured["graph"].over_first.value == pytest.approx(0.5)
    assert (measured["graph"].rescued, measured["graph"].harmed) == (2, 0)
    assert measured["router"].over_first.value == 0.0
    section = cascade_section("graph", "test", found, 0.05, resamples=20)
    assert section.figures["good_among_accepted"] == 1.0
    assert "settled by router 2, blind 2" in section.tables[0].note
    nobody = cascade_section("graph", "test", collected(np.zeros(4, dtype=np.bool_)), 0.05, resamples=20)
    assert nobody.figures["good_among_accepted"] is None


def test_targets_ask_for_both_bounds_and_a_sure_sign() -> None:
    def calls(apgr: float, cpt50: float) -> StrongCalls:
        one = Estimate(apgr, (apgr - 0.01, apgr + 0.01))
        half = Estimate(cpt50, (cpt50, cpt50))
        return StrongCalls(one, half, half, one, None)

    def choice(share: float, low: float) -> Choice:
        one = Estimate(share, (low, share + 0.1))
        return Choice(one, one, one, one, one, one)

    assert q6_known(calls(0.66, 0.29), 1500).verdict == "must met"
    assert q6_known(calls(0.66, 0.31), 1500).verdict == "not met"
    assert q6_known(calls(0.71, 0.24), 1500).verdict == "aim met"
    assert q6_unseen(calls(0.60, 0.4), 1500).verdict == "must met"
    assert q7(choice(0.2, 0.05), "test").verdict == "must met"
    assert q7(choice(0.2, -0.01), "test").verdict == "not met"
    assert q7(choice(0.3, 0.1), "test").verdict == "aim met"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="routellm_mmlu"):
        read_tables(tmp_path)


def test_every_tier_is_heard_alone_and_the_graph_as_it_is() -> None:
    doubtful, sure = Rating(catalog(), (0.5, 0.4, 0.45)), Rating(catalog(), (0.1, 0.3, 0.9), "sure")
    graph = router({"router": doubtful, "neighbours": sure}, thresholds={"default": 0.9, "neighbours": 0.0})
    table = Outcomes.of(["one", "two"], ["small", "big"], [[1.0, 0.0], [0.2, 0.8]])
    found = collect(graph, table)
    assert [tier.name for tier in found.tiers] == ["router", "neighbours"]
    assert found.tiers[0].models.tolist() == [
        1,
        1,
    ]  # "middle" was never tried on these prompts, and is switched off
    assert found.tiers[1].models.tolist() == [0, 0]
    assert found.cascade.models.tolist() == [0, 0]
    assert sum(found.settled.values()) == 2
    with pytest.raises(DataError, match="does not know huge"):
        collect(graph, Outcomes.of(["one"], ["small", "huge"], [[1.0, 0.0]]))
    with pytest.raises(DataError, match="answers no prompt"):
        collect(router({"router": Failing(), "blind": sure}), table)
