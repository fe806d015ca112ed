"""Learning from corrections, on a tiny random encoder with real artefacts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import open_artifact, write_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.hub import weights_hash
from mendgraph.assembly import load
from mendgraph.config import Config, load_config
from mendgraph.core.calibration import Temperature
from mendgraph.core.healing import HealingPolicy, IronyRule
from mendgraph.core.values import Answer
from mendgraph.errors import DataError
from mendgraph.runtime.corrections import CorrectionStore
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.learn import LEAST, becomes_neighbour, learn, read_corrections
from mendgraph.training.emotion.learned import LearnReport
from mendgraph.training.emotion.similarity import fit_neighbours
from mendgraph.training.emotion.tables import write_table
from tests.tiny import WORDS, save_adapter, save_encoder, sentences

CORRECTED = 40


def label_of(text: str) -> str:
    """A truth that a bag of words can tell: by the text's first word."""
    return LABELS[WORDS.index(text.split()[0]) % len(LABELS)]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, an adapter, a neighbour index, a policy for them, and dev rows."""
    folder = tmp_path_factory.mktemp("models")
    encoder = save_encoder(folder / "encoder")
    with torch.random.fork_rng():
        save_adapter(folder / "primary", encoder, labels=LABELS)
    texts = sentences(240, seed=1)
    vectors = SharedEncoder.open(str(encoder), device="cpu").encode(texts)
    index = fit_neighbours(
        vectors, np.array([LABELS.index(label_of(text)) for text in texts]), len(LABELS), k=9
    )
    (folder / "neighbours").mkdir()
    names = ("mean", "projection", "points", "classes", "weights")
    tensors = {name: getattr(index, name).contiguous() for name in names}
    save_file(tensors, folder / "neighbours" / "neighbours.safetensors")
    write_artifact(
        folder / "neighbours",
        name="neighbours",
        kind="neighbours",
        task="emotion",
        files=["neighbours.safetensors"],
        labels=LABELS,
        settings={"k": index.k, "temperature": index.temperature},
        data=[{"name": "goemotions", "licence": "CC BY 4.0", "rows": 240}],
    )
    policy = HealingPolicy(
        LABELS,
        calibrators={"emoji": Temperature(1.0, "emoji"), "primary": Temperature(1.0, "of other weights")},
        thresholds={"default": 0.7, "emoji": 0.55},
        irony=IronyRule(0.8, ("joy",)),
        mass=0.8,
        target={"risk": 0.2},
    )
    (folder / "policy").mkdir()
    (folder / "policy" / "policy.json").write_text(json.dumps(policy.to_dict()))
    write_artifact(folder / "policy", name="policy", kind="policy", task="emotion", files=["policy.json"])
    dev = sentences(200, seed=2)
    table = {"text": [*dev, "undecided"], "label8": [*map(label_of, dev), None]}
    write_table(folder / "data" / "dev.parquet", table, {"text": "string", "label8": "string"})
    assert weights_hash(encoder)
    return folder


def config_for(folder: Path, *overrides: str) -> Config:
    tiers = {
        "emoji": None,
        "lexical": None,
        "descriptions": None,
        "ensemble": None,
        "primary": {"kind": "adapter", "path": str(folder / "primary")},
        "neighbours": {"kind": "neighbours", "path": str(folder / "neighbours")},
    }
    emotion = {
        "encoder": str(folder / "encoder"),
        "device": "cpu",
        "policy": str(folder / "policy"),
        "tiers": tiers,
    }
    return load_config(None, [f"emotion={json.dumps(emotion)}", *overrides])


def store_at(path: Path, count: int = CORRECTED) -> Path:
    store = CorrectionStore(path, LABELS)
    for number, text in enumerate(sentences(count, seed=3)):
        store.add(f"{text} number{number}", label_of(text), Answer(text, "abstained"), at=float(number))
    return path


def run(models: Path, tmp_path: Path, **more: Any) -> LearnReport:
    given: dict[str, Any] = {
        "config": config_for(models),
        "out": tmp_path / "out",
        "write": False,
        "data_dir": models / "data",
    }
    return learn(store_at(tmp_path / "corrections.sqlite"), **{**given, **more})


def test_it_says_what_would_change_and_writes_nothing(models: Path, tmp_path: Path) -> None:
    told: list[str] = []
    report = run(models, tmp_path, echo=told.append)
    assert not (tmp_path / "out").exists()
    before, after = report.dev
    assert before is not None
    assert after is not None
    assert before.rows == after.rows == 200
    assert before.accepted == 0.0  # its calibration was for other weights
    held = report.held_out[1]
    assert held is not None
    assert held.rows + report.neighbours == report.corrections == CORRECTED
    lines = "\n".join(report.lines())
    assert f"accuracy {before.accuracy:.3f} -> {after.accuracy:.3f}" in lines
    assert "coverage at 20% risk" in lines
    assert "default: 0.700 -> " in lines
    assert any("asking neighbours" in line for line in told)


def test_what_it_writes_is_used_by_the_config_lines_it_gives(models: Path, tmp_path: Path) -> None:
    report = run(models, tmp_path, write=True)
    learned = yaml.safe_load("\n".join(report.config_lines()))
    settings = config_for(models, f"emotion={json.dumps(learned['emotion'])}")
    with load("emotion", config=settings) as graph:
        health = graph.health()
        assert {name: (h["state"], h["calibrated"]) for name, h in health.items()} == {
            "primary": ("up", True),
            "neighbours": ("up", True),
        }
        policy = graph.context.policy
        assert policy.fingerprints == {name: h["fingerprint"] for name, h in health.items()}
        assert len(graph.run(sentences(3))) == 3
    assert policy.irony == IronyRule(0.8, ("joy",))
    assert policy.mass == 0.8
    assert policy.thresholds["emoji"] == 0.55
    assert policy.calibrators["emoji"].fingerprint == "emoji"
    assert policy.target["risk"] == 0.2
    manifest = open_artifact(tmp_path / "out" / "neighbours").manifest
    assert {source.name: source.rows for source in manifest.data} == {
        "goemotions": 240,
        "corrections": report.neighbours,
    }


def test_learning_again_does_not_pile_up(models: Path, tmp_path: Path) -> None:
    first = run(models, tmp_path, write=True)
    mark = open_artifact(tmp_path / "out" / "neighbours").fingerprint
    learned = yaml.safe_load("\n".join(first.config_lines()))
    settings = config_for(models, f"emotion={json.dumps(learned['emotion'])}")
    again = run(models, tmp_path, write=True, config=settings)
    assert open_artifact(tmp_path / "out" / "neighbours").fingerprint == mark
    assert len(again.learned.indexes["neighbours"].index.points) == 240 + first.neighbours
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["neighbours", "policy"]


def test_corrected_texts_are_read_as_corrected(models: Path, tmp_path: Path) -> None:
    report = run(models, tmp_path)
    new = report.learned.indexes["neighbours"]
    old = replace(new.index, points=new.index.points[: new.points], classes=new.index.classes[: new.points])
    rows = [row for row in read_corrections(tmp_path / "corrections.sqlite") if becomes_neighbour(row.key)]
    vectors = SharedEncoder.open(str(models / "encoder"), device="cpu").encode(
        [row.input.text for row in rows]
    )
    truth = torch.tensor([[row.label] for row in rows])
    before, after = (index.probabilities(vectors).gather(1, truth).mean() for index in (old, new.index))
    assert len(rows) == report.neighbours
    assert after > before


def test_the_halves_do_not_depend_on_each_other(models: Path, tmp_path: Path) -> None:
    report = run(models, tmp_path)
    more = store_at(tmp_path / "more.sqlite", CORRECTED + 10)
    grown = learn(
        more, config=config_for(models), out=tmp_path / "out", write=False, data_dir=models / "data"
    )
    old = {row.tobytes() for row in report.learned.indexes["neighbours"].index.points.numpy()}
    new = {row.tobytes() for row in grown.learned.indexes["neighbours"].index.points.numpy()}
    assert old <= new


def test_a_corrected_dev_text_is_left_to_its_correction(models: Path, tmp_path: Path) -> None:
    store = CorrectionStore(store_at(tmp_path / "corrections.sqlite"), LABELS)
    store.add(sentences(200, seed=2)[0].upper(), "love", Answer("", "abstained"), at=99.0)
    report = learn(store.path, config=config_for(models), write=False, data_dir=models / "data")
    assert report.dev[1] is not None
    assert report.dev[1].rows == 199
    assert report.corrections == CORRECTED + 1


def test_too_few_corrections_and_missing_dev_rows_say_the_way_out(models: Path, tmp_path: Path) -> None:
    few = store_at(tmp_path / "few.sqlite", LEAST - 1)
    with pytest.raises(
        DataError, match=f"at least {LEAST} corrections.*has {LEAST - 1}.*mend correct emotion"
    ):
        read_corrections(few)
    with pytest.raises(DataError, match="has 0"):
        read_corrections(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    with pytest.raises(DataError, match=r"no dev\.parquet.*mend data emotion"):
        run(models, tmp_path, data_dir=tmp_path)


def test_a_folder_that_is_no_artefact_is_not_touched(models: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "policy").mkdir(parents=True)
    (tmp_path / "out" / "policy" / "mine.txt").write_text("keep me")
    with pytest.raises(DataError, match="no artefact"):
        run(models, tmp_path, write=True)
    assert (tmp_path / "out" / "policy" / "mine.txt").read_text() == "keep me"


def test_a_tier_that_is_down_is_left_out(models: Path, tmp_path: Path) -> None:
    told: list[str] = []
    missing = "emotion.tiers.neighbours={kind: neighbours, path: /nowhere}"
    report = run(models, tmp_path, config=config_for(models, missing), echo=told.append)
    assert any("neighbours is down" in line for line in told)
    assert report.learned.indexes == {}
    assert set(report.learned.policy.calibrators) == {"emoji", "primary"}
    assert report.config_lines() == ["emotion:", f'  policy: "{tmp_path / "out" / "policy"}"']
