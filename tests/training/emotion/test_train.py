"""Training end to end on a random two-layer DistilBERT and a few dozen rows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mendgraph.adapters.adapter_tier import AdapterTier
from mendgraph.adapters.artifacts import open_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.config import Config, load_config
from mendgraph.core.calibration import calibrator_from_dict
from mendgraph.core.values import Input, Prediction
from mendgraph.errors import ConfigError, DataError, OutOfMemory
from mendgraph.training.emotion import train as module
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.train import TrainResult, choose_precision, train
from tests.training.emotion.corpora import write_corpus, write_distilbert

REFERENCE = Path(__file__).parents[3] / "examples" / "distilbert.yaml"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("training")
    return write_corpus(root / "data", repeats=3), write_distilbert(root / "distilbert")


def settings(base: Path, *overrides: str) -> Config:
    """The reference configuration with steps large enough for a random model."""
    quick = ("training.learning_rate=0.02", "training.warmup_steps=2", "training.precision=fp32")
    return load_config(REFERENCE, (f"model.name={base}", *quick, *overrides))


@pytest.fixture(scope="module")
def trained(
    folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainResult, list[str]]:
    data, base = folders
    lines: list[str] = []
    out = tmp_path_factory.mktemp("models") / "final_model"
    config = settings(
        base,
        "training.batch_size=8",
        "training.gradient_accumulation_steps=1",
        "training.num_epochs=6",
        "training.early_stopping_patience=6",
    )
    return train(config, data, out, device="cpu", echo=lines.append), lines


def test_the_reference_configuration_is_the_documented_one() -> None:
    config = load_config(REFERENCE)
    assert (config.model.name, config.model.max_length) == ("distilbert-base-uncased", 128)
    assert (config.lora.r, config.lora.lora_alpha, config.lora.lora_dropout) == (8, 16, 0.1)
    assert config.lora.target_modules == ("q_lin", "v_lin")
    spec = config.training
    assert (spec.num_epochs, spec.batch_size, spec.gradient_accumulation_steps) == (3, 16, 2)
    assert (spec.learning_rate, spec.warmup_steps) == (1e-4, 100)


def test_it_learns(trained: tuple[TrainResult, list[str]]) -> None:
    result, _ = trained
    assert result.metrics["dev"]["macro_f1"] > 0.6  # chance is 0.125
    assert result.metrics["test"]["macro_f1"] > 0.6


def test_the_folder_is_a_verified_artefact(trained: tuple[TrainResult, list[str]]) -> None:
    result, _ = trained
    artifact = open_artifact(result.folder)
    assert artifact.fingerprint == result.fingerprint
    assert artifact.manifest.labels == LABELS
    assert {"adapter_model.safetensors", "adapter_config.json", "heads.safetensors"} == set(
        artifact.manifest.files
    )
    assert {d.name: d.licence for d in artifact.manifest.data}["isarcasm"] == "MIT"
    heads = {name: tuple(part.shape) for name, part in load_file(result.folder / "heads.safetensors").items()}
    assert heads == {
        "emotion.weight": (8, 64),
        "emotion.bias": (8,),
        "irony.weight": (1, 64),
        "irony.bias": (1,),
    }
    adapter = load_file(result.folder / "adapter_model.safetensors")
    assert {part.dtype for part in adapter.values()} == {torch.float16}
    assert len(adapter) == 2 * 2 * 2  # layers, targets, A and B
    names = {path.name for path in result.folder.iterdir()}
    assert {"README.md", "metrics.json", "training_log.jsonl", "tokenizer.json", "calibration.json"} <= names
    for picture in ("confusion_matrix", "reliability", "training_curve"):
        assert (result.folder / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_the_settings_are_stored(trained: tuple[TrainResult, list[str]]) -> None:
    folder = trained[0].folder
    stored = json.loads((folder / "training_config.json").read_text())
    assert stored["id2label"]["7"] == "disgust"
    assert stored["label2id"]["joy"] == 0
    assert stored["lora"]["r"] == 8
    peft = json.loads((folder / "adapter_config.json").read_text())
    assert (peft["r"], peft["lora_alpha"], set(peft["target_modules"])) == (8, 16, {"q_lin", "v_lin"})
    log = [json.loads(line) for line in (folder / "training_log.jsonl").read_text().splitlines()]
    assert sum("eval_macro_f1" in entry for entry in log) == 6


def test_the_calibration_belongs_to_the_weights(trained: tuple[TrainResult, list[str]]) -> None:
    result, _ = trained
    calibrator = calibrator_from_dict(json.loads((result.folder / "calibration.json").read_text()))
    assert calibrator.fingerprint == result.fingerprint


def test_the_tier_answers_as_training_measured(
    trained: tuple[TrainResult, list[str]], folders: tuple[Path, Path]
) -> None:
    result, _ = trained
    encoder = SharedEncoder.open(str(folders[1]), device="cpu", max_length=128)
    tier = AdapterTier("primary", encoder, open_artifact(result.folder))
    rows = [row for row in module.read_corpus(folders[0], seed=0).test if row.emotion >= 0]
    answers = tier.predict([Input(row.text) for row in rows])
    right = 0
    for row, answer in zip(rows, answers, strict=True):
        assert isinstance(answer, Prediction)
        assert set(answer.signals) == {"irony"}
        right += answer.label == LABELS[row.emotion]
    assert right / len(rows) == pytest.approx(result.metrics["test"]["accuracy"])


def test_the_story_is_told(trained: tuple[TrainResult, list[str]]) -> None:
    result, lines = trained
    assert lines[0].startswith(f"trainable parameters: {result.trainable:,} of {result.parameters:,} (")
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == 6
    for word in ("accuracy", "precision", "recall", "F1", "macro-F1"):
        assert f" {word} " in epochs[0]
    assert lines[-1] == result.config_line
    assert str(result.folder) in result.config_line


def test_peft_can_load_the_adapter(
    trained: tuple[TrainResult, list[str]], folders: tuple[Path, Path]
) -> None:
    from peft import PeftModel
    from transformers import AutoModel

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        model = PeftModel.from_pretrained(AutoModel.from_pretrained(folders[1]), str(trained[0].folder))
    weights = load_file(trained[0].folder / "adapter_model.safetensors")
    name = "base_model.model.transformer.layer.0.attention.q_lin.lora_B.weight"
    loaded = model.get_parameter(name.replace("lora_B.", "lora_B.default."))
    assert torch.equal(loaded.half(), weights[name])
    assert weights[name].abs().sum() > 0  # B starts at zero: it was trained


@pytest.mark.parametrize("every", [100, 2], ids=["at an epoch's end", "within an epoch"])
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    data, base = folders
    monkeypatch.setattr(module, "CHECKPOINT_STEPS", every)
    config = settings(base, "training.num_epochs=2")
    whole = train(config, data, tmp_path / "whole", device="cpu", limit=100)

    def pull_the_plug(line: str) -> None:
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, data, tmp_path / "cut", device="cpu", limit=100, echo=pull_the_plug)
    assert not (tmp_path / "cut" / "manifest.json").exists()
    lines: list[str] = []
    again = train(config, data, tmp_path / "cut", device="cpu", limit=100, resume=True, echo=lines.append)
    assert lines[0].startswith("resuming from ")
    assert sum(line.startswith("epoch ") for line in lines) == 1
    assert again.fingerprint == whole.fingerprint


def test_resume_refuses_other_settings(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data, base = folders
    train(settings(base, "training.num_epochs=1"), data, tmp_path / "model", device="cpu", limit=40)
    with pytest.raises(ConfigError, match=r"training\.seed was 0 and is 1"):
        train(
            settings(base, "training.num_epochs=1", "training.seed=1"),
            data,
            tmp_path / "model",
            device="cpu",
            resume=True,
        )


def test_training_stops_when_dev_no_longer_improves(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data, base = folders
    still = ("training.num_epochs=9", "training.learning_rate=1e-12", "training.early_stopping_patience=1")
    # Heads keep their own floor, so only a model that learns nothing at all stands still.
    config = settings(base, *still, "training.aux_weight=0", "training.irony_weight=0")
    result = train(config, data, tmp_path / "model", device="cpu", limit=8)
    assert result.metrics["epochs"] < 9


def test_without_irony_rows_there_is_no_irony_head(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data = write_corpus(tmp_path / "data")
    for name in ("irony_train", "irony_dev", "augmentation"):
        (data / f"{name}.parquet").unlink()
    config = settings(folders[1], "training.num_epochs=1")
    result = train(config, data, tmp_path / "model", device="cpu", limit=24)
    assert set(load_file(result.folder / "heads.safetensors")) == {"emotion.weight", "emotion.bias"}


def test_out_of_memory_says_what_to_change(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*args: object, **kwargs: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    monkeypatch.setattr(module.EmotionTrainer, "training_step", starve)
    with pytest.raises(OutOfMemory) as caught:
        train(settings(folders[1]), folders[0], tmp_path / "model", device="cpu", limit=8)
    assert "batch_size to 8" in caught.value.hint
    assert "gradient_accumulation_steps to 4" in caught.value.hint


def test_global_generators_are_left_alone(folders: tuple[Path, Path], tmp_path: Path) -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    train(settings(folders[1], "training.num_epochs=1"), folders[0], tmp_path / "m", device="cpu", limit=8)
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert before == after


def test_unknown_target_modules_name_the_known_ones(folders: tuple[Path, Path], tmp_path: Path) -> None:
    config = settings(folders[1], "lora.target_modules=[query]")
    with pytest.raises(ConfigError, match=r"its layers are called .*q_lin"):
        train(config, folders[0], tmp_path / "model", device="cpu")


def test_bad_requests_are_refused_before_any_work(folders: tuple[Path, Path], tmp_path: Path) -> None:
    data, base = folders
    with pytest.raises(ConfigError, match="emotion has 8 labels, got 6"):
        train(settings(base, "model.num_labels=6"), data, tmp_path / "model")
    with pytest.raises(ConfigError, match="fp16 does not suit the cpu"):
        train(settings(base, "training.precision=fp16"), data, tmp_path / "model", device="cpu")
    with pytest.raises(DataError, match="limit must be at least 1"):
        train(settings(base), data, tmp_path / "model", device="cpu", limit=0)
    assert not (tmp_path / "model").exists()


def test_precision_is_chosen_for_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    for fast, chosen in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda fast=fast: fast)
        assert choose_precision("auto", cpu) == chosen
    assert choose_precision("bf16", cpu) == "bf16"


def test_training_in_bfloat16_gives_finite_weights(folders: tuple[Path, Path], tmp_path: Path) -> None:
    config = settings(folders[1], "training.num_epochs=1", "training.precision=bf16")
    result = train(config, folders[0], tmp_path / "model", device="cpu", limit=8)
    assert all(
        part.isfinite().all() for part in load_file(result.folder / "adapter_model.safetensors").values()
    )
    stored = json.loads((result.folder / "training_config.json").read_text())
    assert stored["run"]["precision"] == "bf16"


def test_training_needs_neither_langgraph_nor_loguru() -> None:
    code = (
        "import sys\n"
        "sys.modules['langgraph'] = sys.modules['loguru'] = None\n"
        "import mendgraph.training.emotion.train\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
