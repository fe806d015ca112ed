"""Writes a trained scorer as an artefact folder: weights, levels, calibration, figures, card, manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.hub import weights_hash
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.metrics import accuracy, ece, macro_f1
from mendgraph.core.ordinal import OrdinalModel
from mendgraph.core.reflection import LABELS
from mendgraph.training.emotion.measure import fit_calibrator
from mendgraph.training.emotion.save import CALIBRATION, MANIFEST, versions
from mendgraph.training.reflection.card import model_card
from mendgraph.training.reflection.corpus import Group, digest
from mendgraph.training.reflection.fit import DEV_SWAPS_SEED, Fitted
from mendgraph.training.reflection.levels import TASK
from mendgraph.training.reflection.measure import accuracies, leads, swap_leads, swaps
from mendgraph.training.reflection.sources import PROVENANCE

HEAD = "head.safetensors"
ADAPTER = ("adapter_model.safetensors", "adapter_config.json")
"""With the head what inference loads; only these make the fingerprint, so that a card can be rewritten."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted model, the name and folder of its encoder, and the prompts of its training."""

    fitted: Fitted
    encoder: str
    base: Path
    train: Sequence[Group]
    dev: Sequence[Group]


def save(trained: Trained, folder: Path) -> tuple[Artifact, dict[str, Any]]:
    """Writes the folder, its manifest last; returns it with what ``metrics.json`` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # until the end this is no artefact
    files = _write_weights(trained, folder)
    logits, levels, found = _dev(trained)
    ordinal = OrdinalModel.fit(logits, levels, len(LABELS))
    probabilities = trained.fitted.chances(trained.dev)
    training = {
        "settings": trained.fitted.settings.model_dump(mode="json", exclude={"folds"}),
        "best_epoch": trained.fitted.best_epoch,
        "data": digest([*trained.train, *trained.dev]),
    }
    settings: dict[str, Any] = {
        "max_length": trained.fitted.settings.max_length,
        "layers": trained.fitted.settings.layers,
        "head_width": trained.fitted.settings.head_width,
        "thresholds": list(ordinal.borders()),
    }
    about: dict[str, Any] = {
        "name": f"{TASK}/{folder.name}",
        "kind": "cross_scorer",
        "task": TASK,
        "files": files,
        "base_model": BaseModelRef(name=trained.encoder, sha256=weights_hash(trained.base)),
        "labels": LABELS,
        "training": training,
        "data": _sources(trained),
        "versions": versions(),
    }
    fingerprint = write_artifact(folder, settings=settings, **about).fingerprint
    calibrator, calibration = fit_calibrator(probabilities, levels, fingerprint)
    _write_json(folder / CALIBRATION, calibrator.to_dict())
    said = probabilities.argmax(axis=1)
    metrics = {
        "dev": {
            **found,
            "accuracy": accuracy(levels, said),
            "macro_f1": macro_f1(levels, said),
            "ece": ece(probabilities.max(axis=1), said == levels),
        },
        "calibration": calibration,
        "thresholds": settings["thresholds"],
        "epochs": list(trained.fitted.history),
    }
    _write_json(folder / "metrics.json", metrics)
    # Outside `files`: it carries the fingerprint, which hashes them.
    settings |= {"calibration": CALIBRATION, "calibration_sha256": sha256_of(folder / CALIBRATION)}
    artifact = write_artifact(
        folder, settings=settings, metrics={"dev": metrics["dev"], "calibration": calibration}, **about
    )
    (folder / "README.md").write_text(model_card(artifact.manifest, metrics), encoding="utf-8")
    return artifact, metrics


def _write_weights(trained: Trained, folder: Path) -> tuple[str, ...]:
    """Names of what it wrote; no adapter where the encoder as it was did best."""
    model = trained.fitted.model
    # Stored in half precision, and rounded in memory too, so that the figures are of the stored weights.
    head = {name: tensor.half() for name, tensor in model.head.plain().items()}
    model.head.load_plain({name: tensor.float() for name, tensor in head.items()})
    _write_tensors(folder / HEAD, head)
    if not trained.fitted.best_epoch:
        for name in ADAPTER:
            (folder / name).unlink(missing_ok=True)
        return (HEAD,)
    with torch.no_grad():
        for parameter in model.adapters():
            parameter.copy_(parameter.half())
    _write_tensors(
        folder / ADAPTER[0], {name: tensor.half() for name, tensor in model.adapter_state().items()}
    )
    settings: Any = model.encoder.peft_config["default"]  # type: ignore[index]
    settings.base_model_name_or_path = trained.encoder  # not a path of this machine's packages
    settings.inference_mode = True
    settings.save_pretrained(str(folder))
    return (HEAD, *ADAPTER)


def _dev(trained: Trained) -> tuple[FloatArray, IntArray, dict[str, float]]:
    """Logits and levels of all dev responses, and the accuracies over their pairs and swaps."""
    own = trained.fitted.logits(trained.dev)
    drawn = swaps(trained.dev, DEV_SWAPS_SEED)
    wrong = trained.fitted.swapped(trained.dev, drawn)
    levels = np.array([level for group in trained.dev for _, level in group.responses], dtype=np.int64)
    found = leads(trained.dev, own) + swap_leads(trained.dev, own, drawn, wrong)
    return np.concatenate(own), levels, dict(accuracies(found))


def _sources(trained: Trained) -> list[DataSource]:
    citation, licence = PROVENANCE["pair"]
    rows = sum(len(group.responses) for group in [*trained.train, *trained.dev])
    return [DataSource(name="pair", licence=licence, rows=rows, source=citation)]


def _write_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors writes for the owner alone; a package's weights are for its users


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
