"""A backup that knows the labels only by what they mean: similarity to descriptions of each."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.outcomes import outcome
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.values import Failure, Input, Prediction


class DescriptionTier:
    """Softmax over the cosine between a text and each label's descriptions.

    Its artefact's ``descriptions.json`` maps each label to its descriptions, and its settings give the
    `temperature`.  It was trained on nothing, so it errs where the trained tiers do not.
    """

    def __init__(self, name: str, vectors: SentenceVectors, artifact: Artifact) -> None:
        self.name = name
        self.fingerprint = artifact.fingerprint
        self.labels = artifact.manifest.labels
        self._vectors = vectors
        vectors.refuse_foreign(artifact)
        table = artifact.json("descriptions.json")
        with renamed(f"read the descriptions of tier {name!r}", loading=True):
            self._temperature = float(artifact.manifest.settings["temperature"])
            self._texts: dict[str, list[str]] = {label: table[label] for label in self.labels}
        self._centres: Tensor | None = None
        self._lock = threading.Lock()

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        with torch.inference_mode():
            texts = normalize(self._vectors.of([row.text for row in rows]), dim=1)
            probabilities = (texts @ self._label_vectors().T / self._temperature).softmax(1)
        return [outcome(self.name, self.labels, scores) for scores in probabilities.tolist()]

    def _label_vectors(self) -> Tensor:
        """(C, H) unit vectors, the mean of each label's descriptions; encoded at the first call."""
        with self._lock:
            if self._centres is None:
                encode = self._vectors.encoder.encode
                means = [normalize(encode(self._texts[label]), dim=1).mean(0) for label in self.labels]
                self._centres = normalize(torch.stack(means), dim=1)
            return self._centres
