"""A conflict detector on disk and at work: features, layer and calibration beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact, open_artifact, write_artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.reader.midway import Midway
from mendgraph.core.arrays import sigmoid
from mendgraph.core.calibration import Calibrator, calibrator_from_dict
from mendgraph.errors import ArtifactError, BadOutput, ShapeMismatch
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.conflict_features import features_of, pool_prompt

__all__ = ["DETECTOR_KIND", "Detector", "load_detector", "save_detector"]

DETECTOR_KIND = "conflict_detector"
TASK = "conflict"
WEIGHTS = "detector.safetensors"
CALIBRATION = "calibration.json"
REFERENCE = "reference.safetensors"


@dataclass(frozen=True, slots=True)
class Detector:
    """
    Attributes:
        layer: whose states it reads, counted from 0.
        features: what it is given of them, in order; see `FEATURES`.
        calibrator: of (no conflict, conflict); None where none was fitted.
        threshold: probability from which a conflict is reported.
        reader: fingerprint of the reader whose states it was trained on; "" when unknown.
        fingerprint: of its weights.
        reference: ``features`` (K, F) and the ``probabilities`` (K,) that they gave where it was trained; empty when
            none were stored.
    """

    module: ConflictDetector
    layer: int
    features: tuple[str, ...] = ("prompt",)
    calibrator: Calibrator | None = None
    threshold: float = 0.5
    reader: str = ""
    fingerprint: str = ""
    reference: Mapping[str, Tensor] = field(default_factory=dict)

    def probabilities(self, midway: Midway) -> list[float]:
        """Calibrated probability of a conflict for each row, in [0, 1].

        Raises:
            ShapeMismatch: the rows were stopped after another layer, or have another width.
            BadOutput: not finite.
        """
        if midway.border != self.layer:
            raise ShapeMismatch(
                f"the detector reads layer {self.layer}, the rows were stopped after layer {midway.border}",
                hint="open the reader with the detector's layer",
            )
        width = midway.states.shape[-1] * len(self.features)
        if width != self.module.inputs:
            raise ShapeMismatch(
                f"the detector reads {self.module.inputs} numbers, this reader gives {width}",
                hint="train a detector for this reader",
            )
        with torch.inference_mode():
            rows = [
                features_of(pool_prompt(midway.own(row), prompt.spans), self.features)
                for row, prompt in enumerate(midway.prompts)
            ]
            return self.of_features(torch.stack(rows))

    def of_features(self, features: Tensor) -> list[float]:
        """(N, F) -> calibrated probabilities."""
        with torch.inference_mode():
            logits = self.module(features.to(next(self.module.parameters()).device)).double().cpu()
        if not bool(torch.isfinite(logits).all()):
            raise BadOutput("the detector's output is not finite", hint="load the reader with precision fp32")
        raw = sigmoid(logits.numpy())
        if self.calibrator is not None:
            raw = self.calibrator.transform(np.stack([1 - raw, raw], axis=1))[:, 1]
        return [float(value) for value in raw]


def save_detector(
    detector: Detector, folder: Path, *, files: tuple[str, ...] = (), **fields: Any
) -> Artifact:
    """
    Args:
        files: other files of the folder that the manifest is to vouch for.
        fields: of the manifest: training, data, versions, metrics.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: part.detach().cpu().contiguous() for name, part in detector.module.state_dict().items()}
    save_file(tensors, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # safetensors writes for the owner alone
    named = [WEIGHTS, *files]
    if detector.reference:
        save_file(dict(detector.reference), folder / REFERENCE)
        (folder / REFERENCE).chmod(0o644)
        named.append(REFERENCE)
    if detector.calibrator is not None:
        text = json.dumps(detector.calibrator.to_dict(), indent=2) + "\n"
        (folder / CALIBRATION).write_text(text, encoding="utf-8")
        named.append(CALIBRATION)
    settings = {
        "layer": detector.layer,
        "features": list(detector.features),
        "inputs": detector.module.inputs,
        "width": detector.module.width,
        "threshold": detector.threshold,
        "reader": detector.reader,
    }
    return write_artifact(
        folder,
        name=f"{TASK}/{folder.name}",
        kind=DETECTOR_KIND,
        task=TASK,
        files=named,
        settings=settings,
        **fields,
    )


def load_detector(folder: str | Path, *, reader: str = "", device: str | torch.device = "cpu") -> Detector:
    """
    Args:
        reader: fingerprint of the reader it is to work with; "" does not ask.

    Raises:
        ArtifactError: the folder is damaged, holds something else, or belongs to another reader.
    """
    artifact = open_artifact(folder)
    settings = _settings(artifact, DETECTOR_KIND)
    if reader and settings["reader"] and settings["reader"] != reader:
        raise ShapeMismatch(
            f"the detector in {str(folder)!r} was trained on states of reader {settings['reader']}, this is {reader}",
            hint="train a detector for this reader",
        )
    with renamed(f"load the detector in {str(folder)!r}", loading=True):
        module = ConflictDetector(settings["inputs"], settings["width"])
        module.load_state_dict(artifact.tensors(WEIGHTS))
        calibrated = CALIBRATION in artifact.manifest.files
        return Detector(
            module.to(device).eval().requires_grad_(False),
            int(settings["layer"]),
            tuple(settings["features"]),
            calibrator_from_dict(artifact.json(CALIBRATION)) if calibrated else None,
            float(settings["threshold"]),
            str(settings["reader"]),
            artifact.fingerprint,
            artifact.tensors(REFERENCE) if REFERENCE in artifact.manifest.files else {},
        )


def _settings(artifact: Artifact, kind: str) -> Mapping[str, Any]:
    if artifact.manifest.kind != kind:
        raise ArtifactError(
            f"{str(artifact.folder)!r} holds a {artifact.manifest.kind}, not a {kind}",
            hint="give another folder",
        )
    return artifact.manifest.settings
