"""`mend train prompt_routing`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Mend
from tests.tiny import save_encoder
from tests.training.prompt_routing.routing_data import outcomes, write_files


@pytest.fixture(autouse=True)
def no_tiers(mend: Mend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A router needs none to be trained; the scripted assembly does not offer any to other parts."""
    monkeypatch.setattr(sys.modules["mendgraph.assembly"], "tiers_of", lambda config, name: {}, raising=False)


def test_the_schema_is_all_that_stdout_gets(mend: Mend) -> None:
    done = mend("train", "prompt_routing", "--schema")
    assert done.code == 0
    assert "finetuning_spec" in json.loads(done.out)["properties"]


def test_a_spec_file_trains_a_router_and_says_how_to_use_it(mend: Mend, tmp_path: Path) -> None:
    write_files(tmp_path, outcomes(48))
    spec = {
        "transformer_model_name": str(save_encoder(tmp_path / "encoder")),
        "data": [{"kind": "outcomes", "path": "outcomes_train.parquet", "group": "group"}],
        "max_length": 32,
        "epochs": 1,
        "name": "mine",
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    done = mend(
        "train",
        "prompt_routing",
        "--spec-file",
        tmp_path / "spec.json",
        "--data",
        tmp_path,
        "--out",
        tmp_path / "out",
    )
    assert done.code == 0, done.err
    assert "epoch 1/1" in done.err
    assert "prompts shuffled" in done.err
    assert f"path: {tmp_path / 'out' / 'mine'}" in done.err
    assert (tmp_path / "out" / "mine" / "manifest.json").is_file()


def test_a_wrong_spec_says_where_and_what_fits(mend: Mend, tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(
        json.dumps({"data": [{"kind": "arena", "path": "a.csv"}], "epochs": 0})
    )
    done = mend("train", "prompt_routing", "--spec-file", tmp_path / "spec.json")
    assert done.code == 1
    assert "epochs: " in done.err
    assert "--schema" in done.err


def test_other_graphs_take_no_spec_file(mend: Mend) -> None:
    done = mend("train", "emotion", "--schema")
    assert done.code == 2
    assert "prompt_routing" in done.err


def test_unknown_parts_are_refused_with_the_known_ones(mend: Mend, tmp_path: Path) -> None:
    done = mend("train", "prompt_routing", "--part", "rooter", "--out", tmp_path)
    assert done.code == 1
    assert "did you mean 'router'?" in done.err
