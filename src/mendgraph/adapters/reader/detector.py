"""A conflict detector on disk and at work: features, layer and calibration beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.reader.midway import Midway
from mendgraph.adapters.reader.part import WEIGHTS, open_part, reference_of, save_part
from mendgraph.core.arrays import sigmoid
from mendgraph.core.calibration import Calibrator, calibrator_from_dict
from mendgraph.errors import BadOutput, ShapeMismatch
from mendgraph.modules.conflict_detector import ConflictDetector
from mendgraph.modules.conflict_features import features_of, pool_prompt

__all__ = ["DETECTOR_KIND", "Detector", "load_detector", "save_detector"]

DETECTOR_KIND = "conflict_detector"
CALIBRATION = "calibration.json"


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
    """As `save_part`, with the calibration beside the weights."""
    named = files
    if detector.calibrator is not None:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(detector.calibrator.to_dict(), indent=2) + "\n"
        (folder / CALIBRATION).write_text(text, encoding="utf-8")
        named = (CALIBRATION, *files)
    settings = {
        "layer": detector.layer,
        "features": list(detector.features),
        "inputs": detector.module.inputs,
        "width": detector.module.width,
        "threshold": detector.threshold,
        "reader": detector.reader,
    }
    return save_part(
        detector.module,
        folder,
        kind=DETECTOR_KIND,
        settings=settings,
        reference=detector.reference,
        files=named,
        **fields,
    )


def load_detector(folder: str | Path, *, reader: str = "", device: str | torch.device = "cpu") -> Detector:
    """As `open_part`.

    Raises:
        ArtifactError: the folder is damaged, holds something else, or belongs to another reader.
    """
    artifact = open_part(folder, DETECTOR_KIND, reader=reader)
    settings = artifact.manifest.settings
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
            reference_of(artifact),
        )
