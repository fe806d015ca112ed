"""Trains the second tier: a linear model over cues of motivational interviewing and plain similarity."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, write_artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.hub import EMBEDDED_SHA256
from mendgraph.adapters.reflection_features import FEATURES, FILE, features_of
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.config import ReflectionTrainingSpec
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.linear import LinearModel
from mendgraph.core.metrics import accuracy, ece, macro_f1
from mendgraph.core.reflection import LABELS, WORTH
from mendgraph.training.emotion.measure import fit_calibrator
from mendgraph.training.emotion.save import CALIBRATION, versions
from mendgraph.training.reflection.batches import Batches
from mendgraph.training.reflection.corpus import Group, leak_free
from mendgraph.training.reflection.levels import LOW, TASK
from mendgraph.training.reflection.losses import MISMATCH
from mendgraph.training.reflection.measure import accuracies, leads
from mendgraph.training.reflection.sources import PROVENANCE, read_pair

L2 = 3.0
MISMATCHES = 2
"""Reflections of other prompts that each prompt is put with, as rows without a reflection."""

Pair = tuple[str, str]


def train_features(
    model: str, data_dir: Path, folder: Path, *, echo: Callable[[str], None] = lambda line: None
) -> Artifact:
    """Trains on ``pair_train.parquet``, calibrates on ``pair_dev.parquet`` and writes the artefact folder.

    Args:
        model: the encoder whose vectors are compared.

    Raises:
        DataError: a file is missing or malformed.
        ArtifactError, HubUnavailable: the encoder cannot be had.
    """
    train, dev, _ = leak_free(read_pair(data_dir, "train"), read_pair(data_dir, "dev"))
    encoder = SharedEncoder.open(model, max_length=256)
    vectors = SentenceVectors(encoder)
    pairs, labels = training_rows(train)
    echo(f"features: {len(FEATURES)} of {len(pairs):,} pairs")
    fitted = LinearModel.fit(features_of(vectors, pairs), labels, FEATURES, len(LABELS), l2=L2)
    probabilities, truth, found = _on_dev(fitted, vectors, dev)
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / FILE, fitted.to_dict())
    name = "embedded" if encoder.backbone.sha256 == EMBEDDED_SHA256 else model
    citation, licence = PROVENANCE["pair"]
    rows = sum(len(group.responses) for group in [*train, *dev])
    about: dict[str, Any] = {
        "name": "reflection/features",
        "kind": "reflection_features",
        "task": TASK,
        "files": [FILE],
        "base_model": BaseModelRef(name=name, sha256=encoder.backbone.sha256),
        "labels": LABELS,
        "training": {"l2": L2, "mismatches": MISMATCHES},
        "data": [DataSource(name="pair", licence=licence, rows=rows, source=citation)],
        "versions": versions(),
    }
    calibrator, calibration = fit_calibrator(
        probabilities, truth, write_artifact(folder, **about).fingerprint
    )
    _write_json(folder / CALIBRATION, calibrator.to_dict())
    settings = {"calibration": CALIBRATION, "calibration_sha256": sha256_of(folder / CALIBRATION)}
    artifact = write_artifact(
        folder, settings=settings, metrics={"dev": found, "calibration": calibration}, **about
    )
    (folder / "README.md").write_text(_card(artifact, fitted, found), encoding="utf-8")
    echo("dev: " + ", ".join(f"{key} {value:.3f}" for key, value in found.items()))
    return artifact


def training_rows(groups: Sequence[Group]) -> tuple[list[Pair], IntArray]:
    """All responses with their levels, and reflections of other prompts, which are none of this one."""
    settings = ReflectionTrainingSpec(
        mismatches=MISMATCHES, mismatch_pool=MISMATCHES, batch_prompts=len(groups)
    )
    batch = next(Batches(groups, settings).epoch(0))
    levels = [LOW if level == MISMATCH else level for level in batch.levels]
    return list(batch.pairs), np.array(levels, dtype=np.int64)


def feature_scores(
    train: Sequence[Group], test: Sequence[Pair], vectors: SentenceVectors
) -> tuple[FloatArray, FloatArray]:
    """Probabilities (N, 3) and scores (N,) of a model trained on `train`, for other pairs."""
    pairs, labels = training_rows(train)
    fitted = LinearModel.fit(features_of(vectors, pairs), labels, FEATURES, len(LABELS), l2=L2)
    chances = fitted.probabilities(features_of(vectors, test))
    return chances, chances @ np.array([WORTH[level] for level in LABELS])


def _on_dev(
    fitted: LinearModel, vectors: SentenceVectors, dev: Sequence[Group]
) -> tuple[FloatArray, IntArray, dict[str, float]]:
    pairs = [(group.prompt, text) for group in dev for text, _ in group.responses]
    truth = np.array([level for group in dev for _, level in group.responses], dtype=np.int64)
    probabilities = fitted.probabilities(features_of(vectors, pairs))
    said = probabilities.argmax(axis=1)
    scores = probabilities @ np.array([WORTH[level] for level in LABELS])
    own = np.split(scores, np.cumsum([len(group.responses) for group in dev])[:-1])
    found = {
        **accuracies(leads(dev, own)),
        "accuracy": accuracy(truth, said),
        "macro_f1": macro_f1(truth, said),
        "ece": ece(probabilities.max(axis=1), said == truth),
    }
    return probabilities, truth, found


def _card(artifact: Artifact, fitted: LinearModel, found: dict[str, float]) -> str:
    rows = zip(fitted.names, *fitted.weights, strict=True)
    data = artifact.manifest.data
    return "\n".join(
        [
            f"# {artifact.manifest.name}",
            "",
            "A multinomial logistic model over what a response looks like from outside: length, questions, stems of "
            "reflections, words for you, me, feeling, advice and negation, words shared with the client's turn, and "
            "the cosine of both turns' sentence vectors. The second opinion beside the cross-encoder.",
            "",
            "On dev, which calibrated it: "
            + ", ".join(f"{key} {value:.3f}" for key, value in found.items())
            + ".",
            "",
            f"| standardised feature | {' | '.join(LABELS)} |",
            f"|---|{'---|' * len(LABELS)}",
            *(f"| {name} | " + " | ".join(f"{value:+.2f}" for value in row) + " |" for name, *row in rows),
            "",
            "| source | rows | licence | from |",
            "|---|---|---|---|",
            *(f"| {d.name} | {d.rows:,} | {d.licence} | {d.source} |" for d in data),
            "",
            "Form is not quality: a response can have every mark of a reflection and miss the client. "
            "Never use it alone.",
            "",
        ]
    )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
