"""Trains the classifier that says whether a document answers a question, and writes its artefact folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from mendgraph.adapters.answerability import ANSWERABILITY
from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.device import choose_device
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.hub import EMBEDDED_SHA256, locate, weights_hash
from mendgraph.core.answerability import FEATURES, LABELS, NOTHING
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.metrics import accuracy, auroc, ece, macro_f1
from mendgraph.training.conflict.answerability_model import (
    AnswerabilityModel,
    AskedDocument,
    of_claims,
    of_entailment,
)
from mendgraph.training.conflict.metadata import write_json
from mendgraph.training.conflict.pair_files import ADAPTER, HEAD, write_weights
from mendgraph.training.conflict.pair_model import PairModel
from mendgraph.training.conflict.pairs import BREAKING
from mendgraph.training.conflict.split import read_split
from mendgraph.training.conflict.types_fit import FittedTypes, fit_types, type_logits
from mendgraph.training.conflict.types_save import PROVENANCE
from mendgraph.training.conflict.types_spec import TypesSpec
from mendgraph.training.emotion.measure import fit_calibrator
from mendgraph.training.emotion.save import CALIBRATION, MANIFEST, versions

__all__ = ["ANSWERED", "answerability_spec", "train_answerability"]

ANSWERED: Final = "answerability"
TASK: Final = "conflict"
DEV_SETS: Final = 750
"""They choose the epoch and fit the calibration."""

Echo = Callable[[str], None]


def answerability_spec(seed: int = 0) -> TypesSpec:
    return TypesSpec(max_length=160, top_layers=4, epochs=1, claim_sets=24_000, batch_tokens=4096, seed=seed)


def train_answerability(
    data: Path,
    out: Path,
    spec: TypesSpec | None = None,
    *,
    device: str = "auto",
    echo: Echo = lambda line: None,
) -> Artifact:
    """Trains on the documents of claim sets, each by itself, into ``out/answerability``.

    Args:
        data: what `mend data conflict` wrote.

    Raises:
        DataError: a file is missing or malformed.
        ConfigError: the settings do not fit the encoder.
        ArtifactError, HubUnavailable: the encoder cannot be had.
    """
    spec = spec or answerability_spec()
    folder = locate(spec.model)
    train = list(of_claims(read_split(data, "train", spec.claim_sets)))
    dev = list(of_claims(read_split(data, "dev", DEV_SETS)))
    if (data / BREAKING).is_file():
        train += of_entailment(data, "train")
        dev += of_entailment(data, "dev")
    else:
        echo(f"no {BREAKING} in {data}: yes and no are learned from claim sets alone")
    echo(f"{len(train):,} documents to train on, {len(dev):,} held out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        model = AnswerabilityModel(spec, folder, choose_device(device))
        fitted = fit_types(model, train, dev, echo=echo)
    name = "embedded" if weights_hash(folder) == EMBEDDED_SHA256 else spec.model
    artifact = _save(fitted, name, folder, train, dev, out / ANSWERED)
    echo(", ".join(f"{key} {value:.3f}" for key, value in artifact.manifest.metrics["dev"].items()))
    return artifact


def _save(
    fitted: FittedTypes[AskedDocument],
    encoder: str,
    base: Path,
    train: Sequence[AskedDocument],
    dev: Sequence[AskedDocument],
    folder: Path,
) -> Artifact:
    """The manifest comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    write_weights(fitted.model, encoder, folder)
    spec = fitted.model.spec
    settings: dict[str, Any] = {
        "max_length": spec.max_length,
        "head_width": spec.head_width,
        "features": list(FEATURES),
    }
    about: dict[str, Any] = {
        "name": f"{TASK}/{folder.name}",
        "kind": ANSWERABILITY,
        "task": TASK,
        "files": (HEAD, *ADAPTER),
        "base_model": BaseModelRef(name=encoder, sha256=weights_hash(base)),
        "labels": LABELS,
        "training": {"settings": asdict(spec), "best_epoch": fitted.best_epoch},
        "data": [
            DataSource(name=name, licence=PROVENANCE[name][1], rows=rows, source=PROVENANCE[name][0])
            for name, rows in sorted(Counter(row.source for row in train).items())
        ],
        "versions": versions(),
    }
    fingerprint = write_artifact(folder, settings=settings, **about).fingerprint
    claims = [row for row in dev if row.source == "claims"]  # the graph asks questions of documents
    chances, labels = _chances(fitted.model, claims)
    calibrator, calibration = fit_calibrator(chances, labels, fingerprint)
    write_json(folder / CALIBRATION, calibrator.to_dict())
    settings |= {"calibration": CALIBRATION, "calibration_sha256": sha256_of(folder / CALIBRATION)}
    metrics = {
        "dev": _figures(chances, labels),
        "dev_entailment": _entailment(fitted.model, dev),
        "calibration": calibration,
    }
    artifact = write_artifact(folder, settings=settings, metrics=metrics, **about)
    (folder / "README.md").write_text(_card(artifact, len(claims)), encoding="utf-8")
    return artifact


def _chances(model: PairModel[AskedDocument], rows: Sequence[AskedDocument]) -> tuple[FloatArray, IntArray]:
    """(N, labels) before calibration, and the labels (N,)."""
    inputs = model.inputs(rows)
    logits = torch.from_numpy(type_logits(model, inputs))
    return np.asarray(logits.softmax(-1).numpy()), np.asarray(inputs.labels.numpy())


def _figures(chances: FloatArray, labels: IntArray) -> dict[str, float]:
    said = chances.argmax(axis=1)
    answered = labels != LABELS.index(NOTHING)
    return {
        "accuracy": accuracy(labels, said),
        "macro_f1": macro_f1(labels, said, len(LABELS)),
        "answers_auroc": auroc(np.clip(1.0 - chances[:, LABELS.index(NOTHING)], 0.0, 1.0), answered),
        "ece": ece(chances.max(axis=1), said == labels),
        "commonest": _commonest(labels),
    }


def _entailment(model: PairModel[AskedDocument], dev: Sequence[AskedDocument]) -> dict[str, float]:
    rows = [row for row in dev if row.source != "claims"]
    if not rows:
        return {}
    chances, labels = _chances(model, rows)
    return {"accuracy": accuracy(labels, chances.argmax(axis=1)), "commonest": _commonest(labels)}


def _commonest(labels: IntArray) -> float:
    return float(np.bincount(labels).max() / len(labels))


def _card(artifact: Artifact, dev: int) -> str:
    manifest = artifact.manifest
    figures, spec = manifest.metrics["dev"], manifest.training["settings"]
    return "\n".join(
        [
            f"# {manifest.name}",
            "",
            f"LoRA adapter (r {spec['r']}, upper {spec['top_layers']} layers) and a head on the shared encoder: a "
            f"question and one document in; out, whether the document answers it: {', '.join(manifest.labels)}.",
            "",
            f"On {dev:,} documents of dev claim sets, whose entities and wordings train does not have:",
            "",
            "| | dev |",
            "|---|---|",
            *(f"| {name} | {value:.3f} |" for name, value in figures.items()),
            "",
            f"`answers_auroc`: nothing against the rest. `commonest`: always saying the commonest label. ECE is "
            f"before calibration, {manifest.metrics['calibration']['ece']:.3f} after it, cross-fitted.",
            "",
            "| training data | rows | licence | from |",
            "|---|---|---|---|",
            *(f"| {d.name} | {d.rows:,} | {d.licence} | {d.source} |" for d in manifest.data),
            "",
            "Claim sets are made up: short documents of one claim. On retrieved passages expect less.",
            "",
        ]
    )
