"""A second opinion on reflections that shares nothing with the cross-encoder but the encoder's plain vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mendgraph.adapters.adapter_tier import own_calibration
from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.pairs import Pair, answered
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.arrays import FloatArray
from mendgraph.core.interviewing import NAMES, cues
from mendgraph.core.linear import LinearModel
from mendgraph.core.reflection import WORTH
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ShapeMismatch

__all__ = ["FEATURES", "ReflectionFeatureTier", "features_of"]

FILE = "features.json"
FEATURES = (*NAMES, "similarity", "similarity_squared")
"""Names of the columns of `features_of`."""


class ReflectionFeatureTier:
    """Answers from an artefact with ``features.json``: a `LinearModel` over `FEATURES`.

    The score is what the levels are worth, weighed with their probabilities.
    """

    def __init__(self, name: str, vectors: SentenceVectors, artifact: Artifact) -> None:
        self.name = name
        self.fingerprint = artifact.fingerprint
        self.labels = artifact.manifest.labels
        self.calibrator = own_calibration(artifact)
        vectors.refuse_foreign(artifact)
        self._vectors = vectors
        self._model = LinearModel.from_dict(artifact.json(FILE))
        if self._model.names != FEATURES or len(self._model.bias) != len(self.labels):
            raise ShapeMismatch(
                f"{artifact.manifest.name!r} weighs other features than this version computes",
                hint="train it again: mend train reflection --part features",
            )
        self._worth = np.array([WORTH[label] for label in self.labels])

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return answered(self.name, self.labels, rows, self._judge)

    def _judge(self, pairs: Sequence[Pair]) -> tuple[FloatArray, FloatArray]:
        chances = self._model.probabilities(features_of(self._vectors, pairs))
        return chances, np.asarray(chances @ self._worth, dtype=np.float64)


def features_of(vectors: SentenceVectors, pairs: Sequence[Pair]) -> FloatArray:
    """(N, len(FEATURES)): the cues, and the cosine between the two turns' vectors."""
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    a, b = vectors.of(first).double().numpy(), vectors.of(second).double().numpy()
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    near = (a * b).sum(axis=1) / np.maximum(lengths, 1e-12)
    return np.column_stack([cues(pairs), near, near**2])
