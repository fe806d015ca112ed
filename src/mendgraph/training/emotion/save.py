"""Writes a trained model as an artefact folder: weights, settings, figures, calibration, card, manifest."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.hub import weights_hash
from mendgraph.config import Config
from mendgraph.training.emotion.card import model_card
from mendgraph.training.emotion.corpus import Corpus
from mendgraph.training.emotion.labels import LABELS
from mendgraph.training.emotion.measure import fit_calibrator, per_class
from mendgraph.training.emotion.model import HEADS, POOLING, EmotionModel
from mendgraph.training.emotion.predict import Predicted
from mendgraph.training.emotion.report import write_plots
from mendgraph.training.emotion.sources import PROVENANCE

FILES = ("adapter_model.safetensors", "adapter_config.json", "heads.safetensors")
"""What inference loads; only these make the fingerprint, so that a card can be rewritten."""

CALIBRATION = "calibration.json"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Trained:
    """Everything that is known at the end of a training run.

    Attributes:
        base: folder of the base model.
        history: `Trainer`'s log, one mapping per entry.
        class_weights: label -> factor in the loss.
        run: device, precision, limit and digest of the data.
    """

    config: Config
    base: Path
    model: EmotionModel
    adapter_dtype: torch.dtype
    corpus: Corpus
    dev: Predicted
    test: Predicted | None
    history: Sequence[Mapping[str, Any]]
    class_weights: Mapping[str, float]
    run: Mapping[str, Any]


def save(trained: Trained, folder: Path) -> tuple[Artifact, dict[str, Any]]:
    """Writes the folder, its manifest last; returns it with what ``metrics.json`` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # until the end this is no artefact
    _write_weights(trained, folder)
    training = _training(trained)
    _write_json(folder / "training_config.json", training)
    lines = "".join(json.dumps(dict(entry)) + "\n" for entry in trained.history)
    (folder / "training_log.jsonl").write_text(lines, encoding="utf-8")
    about: dict[str, Any] = {
        "name": folder.name,
        "kind": "adapter",
        "task": "emotion",
        "files": FILES,
        "base_model": BaseModelRef(name=trained.config.model.name, sha256=weights_hash(trained.base)),
        "labels": LABELS,
        "training": training,
        "data": _sources(trained.corpus),
        "versions": versions(),
    }
    settings: dict[str, Any] = {"max_length": trained.config.model.max_length, "pooling": POOLING}
    fingerprint = write_artifact(folder, settings=settings, **about).fingerprint
    probabilities, labels = trained.dev.emotion()
    calibrator, figures = fit_calibrator(probabilities, labels, fingerprint)
    _write_json(folder / CALIBRATION, calibrator.to_dict())
    metrics = _metrics(trained, figures)
    _write_json(folder / "metrics.json", metrics)
    write_plots(folder, probabilities, labels, calibrator, trained.history)
    # Outside `files`: it carries the fingerprint, which hashes them.
    settings |= {"calibration": CALIBRATION, "calibration_sha256": sha256_of(folder / CALIBRATION)}
    artifact = write_artifact(folder, settings=settings, metrics=metrics, **about)
    (folder / "README.md").write_text(model_card(artifact.manifest, metrics), encoding="utf-8")
    return artifact, metrics


def _write_weights(trained: Trained, folder: Path) -> None:
    model = trained.model
    adapter = {name: tensor.to(trained.adapter_dtype) for name, tensor in model.adapter_state().items()}
    _write_tensors(folder / "adapter_model.safetensors", adapter)
    heads = [name for name in HEADS if name == "emotion" or (name == "irony" and trained.corpus.has_irony)]
    _write_tensors(folder / "heads.safetensors", model.head_state(heads))
    settings = model.encoder.peft_config["default"]
    settings.base_model_name_or_path = trained.config.model.name  # not a path of this machine's packages
    settings.inference_mode = True
    settings.save_pretrained(str(folder))
    AutoTokenizer.from_pretrained(
        trained.base, local_files_only=True, trust_remote_code=False
    ).save_pretrained(folder)


def _training(trained: Trained) -> dict[str, Any]:
    config = trained.config
    return {
        "model": config.model.model_dump(mode="json"),
        "lora": config.lora.model_dump(mode="json"),
        "training": config.training.model_dump(mode="json"),
        "id2label": {str(index): label for index, label in enumerate(LABELS)},
        "label2id": {label: index for index, label in enumerate(LABELS)},
        "class_weights": dict(trained.class_weights),
        "run": dict(trained.run),
    }


def _metrics(trained: Trained, calibration: Mapping[str, Any]) -> dict[str, Any]:
    epochs = [entry for entry in trained.history if "eval_macro_f1" in entry]
    best = max(epochs, key=lambda entry: float(entry["eval_macro_f1"]))
    metrics: dict[str, Any] = {
        "dev": trained.dev.metrics(),
        "dev_per_class": per_class(*trained.dev.emotion()),
        "calibration": dict(calibration),
        "epochs": len(epochs),
        "best_epoch": round(float(best["epoch"])),
    }
    if trained.test is not None:
        metrics["test"] = trained.test.metrics()
    return metrics


def _sources(corpus: Corpus) -> list[DataSource]:
    unknown = ("not known to mendgraph", "unknown")
    return [
        DataSource(name=name, licence=licence, rows=rows, source=citation)
        for name, rows in corpus.sources().items()
        for citation, licence in [PROVENANCE.get(name, unknown)]
    ]


def versions() -> dict[str, str]:
    """Of Python and the packages a model depends on."""
    found = {"python": platform.python_version()}
    for package in ("mendgraph", "torch", "transformers", "peft"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a checkout on PYTHONPATH
            continue
    return found


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors writes for the owner alone; a package's weights are for its users


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
