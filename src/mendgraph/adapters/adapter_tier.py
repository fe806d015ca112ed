"""A tier made of a LoRA adapter and heads on the shared encoder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.hashing import sha256_of
from mendgraph.adapters.outcomes import nan_rows, outcome
from mendgraph.core.calibration import Calibrator, calibrator_from_dict
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, HashMismatch, ShapeMismatch
from mendgraph.modules.pooling import pool

__all__ = ["AdapterTier"]

HEADS = "heads.safetensors"


class AdapterTier:
    """Answers rows with an artefact folder's adapter and heads; all heads share one forward pass.

    ``heads.safetensors`` holds ``<task>.weight`` (labels, H) and ``<task>.bias``; every further head has one
    output, whose sigmoid becomes a signal of the head's name.
    """

    def __init__(self, name: str, encoder: SharedEncoder, artifact: Artifact, *, merge: bool = True) -> None:
        manifest = artifact.manifest
        self.name = name
        self.fingerprint = artifact.fingerprint
        self.labels = manifest.labels
        self._encoder = encoder
        self._pooling = str(manifest.settings.get("pooling", "mean"))
        self._max_length = int(manifest.settings.get("max_length", encoder.max_length))
        width = pool(self._pooling, torch.zeros(1, 1, encoder.hidden_size), None).shape[1]
        self._signals, self._weight, self._bias = _stacked(artifact, width)
        self.calibrator = own_calibration(artifact)
        # Named by content: two graphs may each have an adapter called "primary" on one encoder.
        self._adapter = f"{manifest.name}@{artifact.fingerprint}"
        encoder.add_adapter(self._adapter, artifact, merge=merge)

    def predict(self, rows: Sequence[Input]) -> Sequence[Prediction | Failure]:
        if not rows:
            return []
        states = self._encoder.encode(
            [row.text for row in rows], self._adapter, self._pooling, max_length=self._max_length
        )
        with torch.inference_mode():
            logits = nan_rows(torch.addmm(self._bias, states, self._weight))  # (N, labels + signals)
            count = len(self.labels)
            scores = logits[:, :count].softmax(-1).tolist()
            signals = logits[:, count:].sigmoid().tolist()
        return [
            outcome(self.name, self.labels, row, dict(zip(self._signals, extra, strict=True)))
            for row, extra in zip(scores, signals, strict=True)
        ]


def own_calibration(artifact: Artifact) -> Calibrator | None:
    """The calibrator a training run wrote beside its weights; None when there is none.

    It lies outside the manifest's ``files``, because it carries the fingerprint that hashes them.

    Raises:
        HashMismatch: it is not the one the manifest names.
    """
    name, wanted = (artifact.manifest.settings.get(key) for key in ("calibration", "calibration_sha256"))
    if name is None:
        return None
    path = artifact.folder / Path(str(name)).name
    if not path.is_file() or sha256_of(path) != wanted:
        raise HashMismatch(
            f"{path} is not the calibration its manifest names", hint="train it again, or restore the folder"
        )
    return calibrator_from_dict(json.loads(path.read_text(encoding="utf-8")))


def _stacked(artifact: Artifact, width: int) -> tuple[tuple[str, ...], Tensor, Tensor]:
    """Names of the signal heads, weights (width, labels + signals) and biases of all heads, task first."""
    manifest, tensors = artifact.manifest, artifact.tensors(HEADS)
    names = sorted({key.rpartition(".")[0] for key in tensors} - {manifest.task})
    wanted = {f"{name}.{part}" for name in [manifest.task, *names] for part in ("weight", "bias")}
    if wanted != set(tensors):
        raise ShapeMismatch(
            f"{HEADS} of {manifest.name!r}: missing {sorted(wanted - set(tensors))}, "
            f"unexpected {sorted(set(tensors) - wanted)}",
            hint="each head needs a weight and a bias, and the main one is named as the task",
        )
    if len(manifest.labels) < 2 or len(set(manifest.labels)) != len(manifest.labels):
        raise ArtifactError(
            f"manifest of {manifest.name!r} needs two or more distinct labels, got {manifest.labels}"
        )
    for name in [manifest.task, *names]:
        rows = len(manifest.labels) if name == manifest.task else 1
        found = tuple(tensors[f"{name}.weight"].shape), tuple(tensors[f"{name}.bias"].shape)
        if found != ((rows, width), (rows,)):
            raise ShapeMismatch(
                f"head {name!r} of {manifest.name!r} has shapes {found}, needs {((rows, width), (rows,))}",
                hint="the head was trained for other labels, another pooling or another encoder",
            )
    order = [manifest.task, *names]
    weight = torch.cat([tensors[f"{name}.weight"].float() for name in order])
    return tuple(names), weight.T.contiguous(), torch.cat([tensors[f"{name}.bias"].float() for name in order])
