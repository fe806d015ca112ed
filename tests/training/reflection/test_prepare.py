"""`mend data reflection` and the parts of `mend train reflection`, over a PAIR of our own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.policies import open_policy
from mendgraph.adapters.reflection_features import ReflectionFeatureTier
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.config import Config, ReflectionTrainingSpec, load_config
from mendgraph.core.reflection import LABELS
from mendgraph.core.tier import Tier
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import ConfigError, DataError, UnknownNameError
from mendgraph.training.reflection.folds import read_results
from mendgraph.training.reflection.prepare import prepare_reflection
from mendgraph.training.reflection.recipe import PARTS, make
from mendgraph.training.reflection.recipes import CHANGES, recipe
from mendgraph.training.reflection.sources import read_annomi, read_pair
from tests import tiny
from tests.training.reflection.corpora import FAST, pair_rows, write_annomi, write_pair


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    train, dev = pair_rows(12), pair_rows(5, first=20)
    dev[0] = replace(dev[0], response=train[0].response)  # prompt 0 of train is a variant of prompt 20
    write_pair(folder, "train", train)
    write_pair(folder, "dev", dev)
    return folder


def settings(encoder: Path, folds: Path) -> Config:
    spec = {**FAST.model_dump(), "model": str(encoder), "folds": folds}
    return load_config().model_copy(update={"reflection_training": ReflectionTrainingSpec(**spec)})


def test_preparing_drops_what_dev_has_too(raw: Path, tmp_path: Path) -> None:
    summary = prepare_reflection(raw, tmp_path / "out")
    assert summary.prompts == {"train": 11, "dev": 5}
    assert summary.shared == 1
    assert summary.levels["train"] == {"none": 33, "simple": 11, "complex": 22}
    assert {row.prompt_id for row in read_pair(tmp_path / "out", "train")} == set(range(1, 12))
    assert "| none | 33 | 15 |" in summary.to_markdown()
    assert prepare_reflection(tmp_path / "out", tmp_path / "again").shared == 0


def test_preparing_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="come from a folder alone"):
        prepare_reflection(None, tmp_path, hub=True)


def test_a_level_that_is_none_is_named(tmp_path: Path) -> None:
    rows = pair_rows(1)
    write_pair(tmp_path, "train", [*rows, replace(rows[0], level=3)])
    with pytest.raises(DataError, match=r"pair_train.parquet, row 6: level 3 is none of 0, 1, 2"):
        read_pair(tmp_path, "train")


def test_empty_turns_of_a_session_are_left_out(tmp_path: Path) -> None:
    write_annomi(tmp_path, "dev", 2)
    assert len(read_annomi(tmp_path, "dev")) == 12


def test_all_parts_can_be_made_and_used(raw: Path, tmp_path: Path) -> None:
    encoder = tiny.save_encoder(tmp_path / "encoder")
    config = settings(encoder, tmp_path / "folds.jsonl")
    told: list[str] = []

    def opened(_: Config, graph: str) -> dict[str, Tier]:
        assert graph == "reflection"
        vectors = SentenceVectors(SharedEncoder.open(str(encoder), max_length=48))
        return {
            "features": ReflectionFeatureTier("features", vectors, open_artifact(tmp_path / "out/features"))
        }

    for part, folder in (("model", "out/primary"), ("features", "out"), ("policy", "out"), ("folds", "out")):
        make(part, config, raw, tmp_path / folder, open_tiers=opened, echo=told.append)
    assert open_artifact(tmp_path / "out/primary").manifest.kind == "cross_scorer"
    assert open_policy(str(tmp_path / "out/policy"), LABELS).labels == LABELS
    assert open_artifact(tmp_path / "out/policy").manifest.task == "reflection"
    results = read_results(tmp_path / "folds.jsonl")
    assert {result.recipe for result in results} == set(CHANGES)
    assert any("reflection: {tiers: {primary: {path:" in line for line in told)
    tier = opened(config, "reflection")["features"]
    (said,) = tier.predict([Input("you feel sad", facts={"prompt": "i am sad"})])
    assert isinstance(said, Prediction)
    assert 0 <= said.value["score"] <= 1


def test_an_unknown_part_or_recipe_is_named(tmp_path: Path) -> None:
    config = settings(tmp_path, tmp_path)
    with pytest.raises(UnknownNameError, match="part"):
        make("backups", config, tmp_path, tmp_path, open_tiers=lambda config, name: {})
    with pytest.raises(UnknownNameError, match="recipe"):
        recipe("best", FAST)
    assert set(PARTS) == {"model", "features", "policy", "folds"}
