from __future__ import annotations

import json
from pathlib import Path

import pytest

from mendgraph.errors import ConfigError
from mendgraph.training.prompt_routing.data_specs import TrainingSpec, read_spec, spec_schema
from mendgraph.training.prompt_routing.model import TransformerEmbeddingModel
from mendgraph.training.prompt_routing.recipe import train_router
from mendgraph.training.prompt_routing.specs import LoraSpec, ModelSpec, ValidationSplit
from tests.loading import ROOT
from tests.tiny import save_encoder
from tests.training.prompt_routing.routing_data import outcomes, write_files

EXAMPLES = sorted((ROOT / "examples" / "prompt_routing").glob("*.json"))


def of_a_test(path: Path, encoder: Path) -> TrainingSpec:
    """The committed spec over a tiny encoder, for one epoch."""
    data = json.loads(path.read_text())
    data |= {"transformer_model_name": str(encoder), "epochs": 1, "embedding_model_epochs": 1}
    data |= {"min_model_comparisons": 1, "max_length": 32}
    if "layers" in data:
        data["layers"] = [1, 2]
    if data.get("embedding_spec", {}).get("encoder_model_name"):
        data["embedding_spec"] |= {"encoder_model_name": str(encoder), "max_length": 32}
    return TrainingSpec.model_validate(data)


def test_every_fine_tuning_and_every_embedding_has_an_example() -> None:
    read = [read_spec(path) for path in EXAMPLES]
    assert {spec.finetuning_spec.kind for spec in read} == {
        "frozen", "lora", "qlora", "last_layers", "bitfit", "full",
    }  # fmt: skip
    assert {spec.embedding_spec.kind for spec in read} == {"frozen", "finetunable", "attention", "outcomes"}
    assert {spec.loss.kind for spec in read} == {
        "margin", "bradley_terry", "davidson", "rao_kupper", "regression",
    }  # fmt: skip
    assert {spec.optimizer_spec.kind for spec in read} >= {"adamw", "adam", "muon"}


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_trains(path: Path, tmp_path: Path) -> None:
    spec = of_a_test(path, save_encoder(tmp_path / "encoder"))
    write_files(tmp_path, outcomes(48))
    said: list[str] = []
    if spec.finetuning_spec.kind == "qlora":
        with pytest.raises(ConfigError, match="qlora does not work here"):
            train_router(spec, tmp_path, tmp_path / "router", device="cpu", echo=said.append)
        return
    train_router(spec, tmp_path, tmp_path / "router", device="cpu", echo=said.append)
    assert any("pairwise accuracy on held-out prompts" in line for line in said)
    again = TransformerEmbeddingModel.load(tmp_path / "router", device="cpu")
    found = again.predict(["cat dog", "rain"])
    assert set(found) <= {"cats", "dogs", "coin"}
    assert all(((scores >= -1) & (scores <= 1)).all() for scores in found.values())


def test_the_schema_names_every_choice() -> None:
    text = json.dumps(spec_schema())
    for word in ("lora", "attention", "rao_kupper", "muon", "ridge", "arena", "validation_split"):
        assert f'"{word}"' in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs: "),
        ({"finetuning_spec": {"kind": "lorra"}}, "finetuning_spec: "),
        ({"finetuning_spec": {"kind": "lora", "rnak": 2}}, "finetuning_spec.lora.rnak: "),
        ({"pooling": "median"}, "known are auto, mean"),
        ({"optimizer_spec": {"kind": "ridge"}}, "loss: ridge solves"),
        ({"validation_split": {"fraction": 2}}, "validation_split.fraction: "),
    ],
)
def test_a_wrong_spec_says_where(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "spec.json"
    data = {"data": [{"kind": "arena", "path": "a.parquet"}]}
    path.write_text(json.dumps({**data, **change}))
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")) as error:
        read_spec(path)
    assert "--schema" in error.value.hint


def test_a_missing_or_broken_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no spec file"):
        read_spec(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        read_spec(tmp_path / "broken.json")


def test_names_that_users_know() -> None:
    model = TransformerEmbeddingModel(
        transformer_model_name="sentence-transformers/all-MiniLM-L6-v2",
        finetuning_spec=LoraSpec(rank=16, alpha=32, dropout=0.05),
        hidden_dims=[256, 128],
        dropout=0.2,
        max_length=256,
        balance_model_samples=True,
        min_model_comparisons=1000,
        embedding_model_epochs=10,
        seed=42,
    )
    assert model.spec.dims == (256, 128)
    assert ValidationSplit(0.2, 42) == ValidationSplit(fraction=0.2, seed=42)
    with pytest.raises(ConfigError, match="max_lenght"):
        TransformerEmbeddingModel(max_lenght=3)
    with pytest.raises(ConfigError, match="not trained"):
        model.predict(["hello"])


def test_a_training_spec_holds_its_model() -> None:
    spec = read_spec(EXAMPLES[0])
    assert type(spec.model) is ModelSpec
    assert spec.model.finetuning_spec == spec.finetuning_spec
