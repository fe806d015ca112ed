"""Writes a trained types classifier as an artefact folder: weights, calibration, figures, card, manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from mendgraph.adapters.artifacts import (
    Artifact,
    BaseModelRef,
    DataSource,
    open_artifact,
    resolve,
    write_artifact,
)
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.hub import weights_hash
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.conflict import LEVELS
from mendgraph.core.evidence import FEATURES
from mendgraph.core.metrics import accuracy, ece, macro_f1
from mendgraph.core.pairing import combined, compared, pairs_among
from mendgraph.training.conflict.claims.sets import ClaimSet
from mendgraph.training.conflict.metadata import write_json
from mendgraph.training.conflict.pair_files import ADAPTER, HEAD, write_weights
from mendgraph.training.conflict.pair_fit import FittedPairs, pair_logits
from mendgraph.training.conflict.pair_model import PairModel
from mendgraph.training.conflict.pairs import LabelledPair
from mendgraph.training.conflict.types_card import types_card
from mendgraph.training.emotion.measure import fit_calibrator
from mendgraph.training.emotion.save import CALIBRATION, MANIFEST, versions

__all__ = ["PROVENANCE", "TrainedTypes", "save_types"]

TASK: Final = "conflict"

_TEXTS: Final = (
    "Wikipedia passages as in the files of github.com/lcrpaper/lcr-rag, OpenStax textbooks, "
    "the CIA World Factbook"
)
_TEXT_LICENCES: Final = (
    "CC BY-SA 4.0 (Wikipedia), CC BY 4.0 (OpenStax, openstax.org), public domain (Factbook)"
)
PROVENANCE: Final = {
    "claims": ("claim sets made by `mend data conflict`", "Apache-2.0"),
    "breaking_nli": (
        "Breaking NLI, Glockner et al., ACL 2018; github.com/BIU-NLP/Breaking_NLI",
        "CC BY-SA 4.0",
    ),
    "perturbed": (f"real sentences and passages, changed by `mend data conflict`: {_TEXTS}", _TEXT_LICENCES),
    "questions_about_text": (
        f"passages, and questions made from their sentences by `mend data conflict`: {_TEXTS}",
        _TEXT_LICENCES,
    ),
}
"""Source -> where it comes from, and its licence."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedTypes:
    """A fitted classifier, the name and folder of its encoder, and what it was trained, held out and calibrated on."""

    fitted: FittedPairs[LabelledPair]
    encoder: str
    base: Path
    train: Sequence[LabelledPair]
    dev: Sequence[LabelledPair]
    sets: Sequence[ClaimSet]


def save_types(trained: TrainedTypes, folder: Path) -> tuple[Artifact, dict[str, Any]]:
    """Writes the folder, its manifest last; returns it with what ``metrics.json`` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)  # until the end this is no artefact
    write_weights(trained.fitted.model, trained.encoder, folder)
    model = trained.fitted.model
    spec = model.spec
    settings: dict[str, Any] = {
        "max_length": spec.max_length,
        "head_width": spec.head_width,
        "features": list(FEATURES),
    }
    counts = Counter(pair.source for pair in trained.train)
    about: dict[str, Any] = {
        "name": f"{TASK}/{folder.name}",
        "kind": "conflict_types",
        "task": TASK,
        "files": (HEAD, *ADAPTER),
        "base_model": BaseModelRef(name=trained.encoder, sha256=weights_hash(trained.base)),
        "labels": LEVELS,
        "training": {
            "settings": asdict(spec),
            "best_epoch": trained.fitted.best_epoch,
            "start": None if spec.start is None else open_artifact(resolve(spec.start)).fingerprint,
        },
        "data": [
            DataSource(name=name, licence=PROVENANCE[name][1], rows=rows, source=PROVENANCE[name][0])
            for name, rows in sorted(counts.items())
        ],
        "versions": versions(),
    }
    fingerprint = write_artifact(folder, settings=settings, **about).fingerprint
    chances, levels = set_chances(model, trained.sets)
    calibrator, calibration = fit_calibrator(chances, levels, fingerprint)
    write_json(folder / CALIBRATION, calibrator.to_dict())
    said = chances.argmax(axis=1)
    metrics = {
        "dev": {
            **_of_pairs(trained),
            "sets": {
                "accuracy": accuracy(levels, said),
                "macro_f1": macro_f1(levels, said, len(LEVELS)),
                "ece": ece(chances.max(axis=1), said == levels),
            },
        },
        "calibration": calibration,
        "epochs": list(trained.fitted.history),
    }
    write_json(folder / "metrics.json", metrics)
    # Outside `files`: it carries the fingerprint, which hashes them.
    settings |= {"calibration": CALIBRATION, "calibration_sha256": sha256_of(folder / CALIBRATION)}
    artifact = write_artifact(
        folder, settings=settings, metrics={"dev": metrics["dev"], "calibration": calibration}, **about
    )
    (folder / "README.md").write_text(types_card(artifact.manifest, metrics), encoding="utf-8")
    return artifact, metrics


def set_chances(model: PairModel[LabelledPair], sets: Sequence[ClaimSet]) -> tuple[FloatArray, IntArray]:
    """(N, levels) before calibration, and the levels (N,), of whole claim sets."""
    rows: list[LabelledPair] = []
    sizes = []
    for one in sets:
        texts = [document.text for document in one.documents]
        pairs = pairs_among(compared(one.question, texts))
        rows += [LabelledPair(one.question, texts[a], texts[b], LEVELS[0], "claims") for a, b in pairs]
        sizes.append(len(pairs))
    logits = torch.from_numpy(pair_logits(model, model.inputs(rows)))
    split = logits.softmax(-1).numpy()
    parts = np.split(split, np.cumsum(sizes)[:-1])
    levels = np.array([LEVELS.index(one.level) for one in sets], dtype=np.int64)
    return np.stack([combined(part)[0] for part in parts]), levels


def _of_pairs(trained: TrainedTypes) -> dict[str, dict[str, float]]:
    model, dev = trained.fitted.model, trained.dev
    inputs = model.inputs(dev)
    said, levels = pair_logits(model, inputs).argmax(axis=1), inputs.labels.numpy()
    found = {}
    for source in sorted({pair.source for pair in dev}):
        rows = [at for at, pair in enumerate(dev) if pair.source == source]
        found[f"{source} pairs"] = {
            "accuracy": accuracy(levels[rows], said[rows]),
            "macro_f1": macro_f1(levels[rows], said[rows]),
        }
    return found
