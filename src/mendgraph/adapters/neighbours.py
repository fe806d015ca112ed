"""A backup that votes among the training texts nearest in meaning."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.outcomes import outcome
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ShapeMismatch
from mendgraph.modules.neighbours import NeighbourIndex

FILE = "neighbours.safetensors"


class NeighbourTier:
    """Answers from an artefact with ``neighbours.safetensors``: the tensors of `NeighbourIndex`, by name."""

    def __init__(self, name: str, vectors: SentenceVectors, artifact: Artifact) -> None:
        self.name = name
        self.fingerprint = artifact.fingerprint
        self.labels = artifact.manifest.labels
        self.vectors = vectors
        vectors.refuse_foreign(artifact)
        self.index = open_index(artifact, vectors.encoder.hidden_size)

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        with torch.inference_mode():
            probabilities = self.index.probabilities(self.vectors.of([row.text for row in rows]))
        return [outcome(self.name, self.labels, scores) for scores in probabilities.tolist()]


def open_index(artifact: Artifact, width: int) -> NeighbourIndex:
    """The index in an artefact, refused when it does not fit `width`-wide vectors or its label space.

    Raises:
        ArtifactError: a part of the index is missing.
        ShapeMismatch: the parts do not fit.
    """
    tensors = artifact.tensors(FILE)
    settings = artifact.manifest.settings
    with renamed(f"read the neighbour index {artifact.manifest.name!r}", loading=True):
        k, temperature = int(settings["k"]), float(settings["temperature"])
        fits = (
            tensors["projection"].shape == (width, tensors["points"].shape[1])
            and tensors["mean"].shape == (width,)
            and len(tensors["points"]) == len(tensors["classes"])
            and len(tensors["weights"]) == len(artifact.manifest.labels)
        )
    if not fits:
        shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
        raise ShapeMismatch(
            f"neighbour index {artifact.manifest.name!r} with shapes {shapes} does not fit {width}-wide vectors",
            hint="build it again over this encoder: mend train emotion",
        )
    return NeighbourIndex(
        mean=tensors["mean"].float(),
        projection=tensors["projection"].float(),
        points=tensors["points"],
        classes=tensors["classes"],
        weights=tensors["weights"].float(),
        k=k,
        temperature=temperature,
    )
