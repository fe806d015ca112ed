"""Trains what says whether a document answers a question, and where in it, and writes its artefact folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from mendgraph.adapters.answerability import ANSWERABILITY
from mendgraph.adapters.artifacts import Artifact, BaseModelRef, DataSource, open_artifact, write_artifact
from mendgraph.adapters.batching import buckets
from mendgraph.adapters.device import choose_device
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.hub import EMBEDDED_SHA256, locate, weights_hash
from mendgraph.adapters.marks import best_mark
from mendgraph.adapters.tokens import Offsets
from mendgraph.core.answerability import FEATURES, LABELS, NOTHING, texts
from mendgraph.core.answers import same_answer
from mendgraph.core.arrays import FloatArray, IntArray
from mendgraph.core.metrics import accuracy, auroc, ece, macro_f1
from mendgraph.errors import ArtifactError, DataError
from mendgraph.training.conflict.answerability_card import ELSEWHERE, answerability_card
from mendgraph.training.conflict.answerability_model import (
    AnswerabilityModel,
    AskedDocument,
    of_claims,
    of_entailment,
    of_passages,
)
from mendgraph.training.conflict.metadata import write_json
from mendgraph.training.conflict.pair_files import ADAPTER, HEAD, read_weights, write_weights
from mendgraph.training.conflict.pair_fit import FittedPairs, fit_pairs, pair_logits
from mendgraph.training.conflict.pair_model import PairInputs, PairModel
from mendgraph.training.conflict.pair_spec import PairSpec
from mendgraph.training.conflict.pairs import BREAKING
from mendgraph.training.conflict.perturbation.files import asked_path
from mendgraph.training.conflict.split import read_split
from mendgraph.training.conflict.types_save import PROVENANCE
from mendgraph.training.emotion.measure import fit_calibrator
from mendgraph.training.emotion.save import CALIBRATION, MANIFEST, versions

__all__ = ["ANSWERED", "answerability_spec", "train_answerability"]

ANSWERED: Final = "answerability"
TASK: Final = "conflict"
DEV_SETS: Final = 750
"""They choose the epoch and fit the calibration."""


Echo = Callable[[str], None]


def answerability_spec(seed: int = 0) -> PairSpec:
    return PairSpec(max_length=224, top_layers=6, epochs=1, claim_sets=10_000, batch_tokens=4096, seed=seed)


def train_answerability(
    data: Path,
    out: Path,
    spec: PairSpec | None = None,
    *,
    resume: bool = False,
    device: str = "auto",
    echo: Echo = lambda line: None,
) -> Artifact:
    """Trains on the documents of claim sets, each by itself, and where the folder has them on questions about real
    text and on Breaking NLI; into ``out/answerability``.

    Args:
        data: what `mend data conflict` wrote.
        resume: another round from the weights in ``out/answerability``, if there are any: the next claim sets, at half
            the learning rates.

    Raises:
        DataError: a file is missing or malformed, or no claim sets are left for another round.
        ConfigError: the settings do not fit the encoder.
        ArtifactError, HubUnavailable: the encoder cannot be had.
    """
    spec = spec or answerability_spec()
    folder = locate(spec.model)
    earlier = _earlier(out / ANSWERED) if resume else None
    rounds = [] if earlier is None else _rounds(earlier)
    seen = sum(int(one["claim_sets"]) for one in rounds)
    sets = read_split(data, "train", seen + spec.claim_sets)[seen:]
    if not sets:
        raise DataError(f"all {seen:,} claim sets of train were seen", hint="train anew, without --resume")
    if rounds:
        spec = replace(
            spec, learning_rate=spec.learning_rate / 2, head_learning_rate=spec.head_learning_rate / 2
        )
    train = list(of_claims(sets))
    dev = list(of_claims(read_split(data, "dev", DEV_SETS)))
    if (data / BREAKING).is_file():
        train += of_entailment(data, "train")
        dev += of_entailment(data, "dev")
    else:
        echo(f"no {BREAKING} in {data}: yes and no are learned from claim sets alone")
    if asked_path(data, "train").is_file():
        train += of_passages(asked_path(data, "train"))
        dev += of_passages(asked_path(data, "dev"))
    else:
        echo(f"no questions about real text in {data}: mend data conflict --data-dir DIR")
    echo(f"{len(train):,} documents to train on, {len(dev):,} held out")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        model = AnswerabilityModel(spec, folder, choose_device(device))
        if earlier is not None:
            read_weights(model, earlier)
        fitted = fit_pairs(model, train, dev, echo=echo)
    name = "embedded" if weights_hash(folder) == EMBEDDED_SHA256 else spec.model
    rounds.append({
        "claim_sets": len(sets),
        "learning_rate": spec.learning_rate,
        "rows": dict(sorted(Counter(row.source for row in train).items())),
    })  # fmt: skip
    artifact = _save(model, fitted, name, folder, rounds, dev, out / ANSWERED)
    echo(", ".join(f"{key} {value:.3f}" for key, value in artifact.manifest.metrics["dev"].items()))
    return artifact


def _save(
    model: AnswerabilityModel,
    fitted: FittedPairs[AskedDocument],
    encoder: str,
    base: Path,
    rounds: Sequence[Mapping[str, Any]],
    dev: Sequence[AskedDocument],
    folder: Path,
) -> Artifact:
    """The manifest comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    write_weights(model, encoder, folder)
    spec = model.spec
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
        "training": {"settings": asdict(spec), "best_epoch": fitted.best_epoch, "rounds": list(rounds)},
        "data": [
            DataSource(name=name, licence=PROVENANCE[name][1], rows=count, source=PROVENANCE[name][0])
            for name, count in sorted(_rows(rounds).items())
        ],
        "versions": versions(),
    }
    fingerprint = write_artifact(folder, settings=settings, **about).fingerprint
    claims = [row for row in dev if row.source == "claims"]  # the graph asks questions of documents
    chances, labels = _chances(model, claims)
    calibrator, calibration = fit_calibrator(chances, labels, fingerprint)
    write_json(folder / CALIBRATION, calibrator.to_dict())
    settings |= {"calibration": CALIBRATION, "calibration_sha256": sha256_of(folder / CALIBRATION)}
    metrics = {
        "dev": _figures(chances, labels) | _values(model, claims),
        **{f"dev_{source}": _elsewhere(model, dev, source) for source in ELSEWHERE},
        "calibration": calibration,
    }
    artifact = write_artifact(folder, settings=settings, metrics=metrics, **about)
    (folder / "README.md").write_text(answerability_card(artifact, len(claims)), encoding="utf-8")
    return artifact


def _earlier(folder: Path) -> Artifact | None:
    return open_artifact(folder) if (folder / MANIFEST).is_file() else None


def _rounds(artifact: Artifact) -> list[dict[str, Any]]:
    """
    Raises:
        ArtifactError: made by a version that did not write them down.
    """
    found = artifact.manifest.training.get("rounds")
    if not found:
        raise ArtifactError(
            f"{str(artifact.folder)!r} does not say what it was trained on",
            hint="train it anew, without --resume",
        )
    return list(found)


def _rows(rounds: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Source -> rows of all rounds; what was read again counts again."""
    found: Counter[str] = Counter()
    for one in rounds:
        found.update(one["rows"])
    return found


def _chances(model: PairModel[AskedDocument], rows: Sequence[AskedDocument]) -> tuple[FloatArray, IntArray]:
    """(N, labels) before calibration, and the labels (N,)."""
    inputs = model.inputs(rows)
    logits = torch.from_numpy(pair_logits(model, inputs))
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


def _elsewhere(model: AnswerabilityModel, dev: Sequence[AskedDocument], source: str) -> dict[str, float]:
    rows = [row for row in dev if row.source == source]
    if not rows:
        return {}
    chances, labels = _chances(model, rows)
    return {
        "accuracy": accuracy(labels, chances.argmax(axis=1)),
        "commonest": _commonest(labels),
        **_values(model, rows),
    }


def _values(model: AnswerabilityModel, rows: Sequence[AskedDocument]) -> dict[str, float]:
    """Share of the values that are found to the letter, and as the same value."""
    asked = [row for row in rows if row.span is not None]
    if not asked:
        return {}
    inputs = model.inputs(asked)
    bodies = [texts(row.question, row.document)[1] for row in asked]
    read = zip(
        marks_of(model, inputs), inputs.tokens.offsets or [], inputs.tokens.types or [], bodies, strict=True
    )
    pairs = list(zip(map(_value, read), asked, strict=True))
    return {
        "exact_values": float(np.mean([value == row.value for value, row in pairs])),
        "same_values": float(np.mean([same_answer(value, row.value or "") for value, row in pairs])),
    }


def _value(chances: tuple[FloatArray, Offsets, Sequence[int], str]) -> str:
    mark = best_mark(*chances)
    return "" if mark is None else chances[3][mark.start : mark.end]


def marks_of(model: AnswerabilityModel, inputs: PairInputs) -> list[FloatArray]:
    """For each pair (T, 2) log-probabilities of the value's first and last token."""
    model.eval()
    spec = model.spec
    lengths = [len(ids) for ids in inputs.tokens.ids]
    found: dict[int, FloatArray] = {}
    with torch.no_grad():
        for rows in buckets(lengths, spec.batch_rows * 2, spec.batch_tokens * 2):
            places = model.places(inputs, rows).double().cpu().numpy()
            found |= {row: places[at, : lengths[row]] for at, row in enumerate(rows)}
    return [found[row] for row in range(len(lengths))]


def _commonest(labels: IntArray) -> float:
    return float(np.bincount(labels).max() / len(labels))
