"""Tiers that rate LLMs for a prompt: the router, the outcomes of the nearest known prompts, and the mean outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.llm_catalog import columns
from mendgraph.adapters.router_model import RouterModel
from mendgraph.adapters.vectors import SentenceVectors
from mendgraph.core.arrays import FloatArray
from mendgraph.core.routed import routed
from mendgraph.core.routing import Catalog
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ShapeMismatch
from mendgraph.modules.outcome_neighbours import OutcomeIndex

__all__ = ["BLIND_FILE", "NEIGHBOUR_FILE", "BlindTier", "OutcomeNeighbourTier", "RouterTier"]

NEIGHBOUR_FILE = "outcomes.safetensors"
BLIND_FILE = "strengths.json"
_AGAIN = "train it again: mend train prompt_routing --part"


class RouterTier:
    """The learned router."""

    def __init__(self, name: str, model: RouterModel, artifact: Artifact, catalog: Catalog) -> None:
        self.name = name
        self.fingerprint = artifact.fingerprint
        self._model = model
        self._catalog = catalog
        self._columns = columns(name, model.models, catalog)

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        if not rows:
            return []
        prompts = [row.text for row in rows]
        scores, quality = self._model.rate(prompts)
        return routed(self.name, self._catalog, rows, quality[:, self._columns], scores[:, self._columns])


class OutcomeNeighbourTier:
    """Answers from an artefact with ``outcomes.safetensors``: the tensors of `OutcomeIndex`, by name.

    The manifest's labels are the LLMs it knows.
    """

    def __init__(self, name: str, vectors: SentenceVectors, artifact: Artifact, catalog: Catalog) -> None:
        self.name = name
        self.fingerprint = artifact.fingerprint
        self._catalog = catalog
        self._vectors = vectors
        vectors.refuse_foreign(artifact)
        known = artifact.manifest.labels
        self._index = open_index(artifact, vectors.encoder.hidden_size).of_models(
            columns(name, known, catalog)
        )

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        if not rows:
            return []
        with torch.inference_mode():
            quality = self._index.quality(self._vectors.of([row.text for row in rows]))
        return routed(self.name, self._catalog, rows, quality.double().numpy())


class BlindTier:
    """Mean outcomes, whatever the prompt: an artefact with ``strengths.json``, LLM -> mean in [0, 1]."""

    def __init__(self, name: str, artifact: Artifact, catalog: Catalog) -> None:
        self.name = name
        self.fingerprint = artifact.fingerprint
        self._catalog = catalog
        strengths = _strengths(artifact)
        places = columns(name, list(strengths), catalog)
        self._quality: FloatArray = np.array(list(strengths.values()))[places]

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return routed(self.name, self._catalog, rows, np.tile(self._quality, (len(rows), 1)))


def open_index(artifact: Artifact, width: int) -> OutcomeIndex:
    """The index in an artefact, refused when it does not fit `width`-wide vectors or its LLMs.

    Raises:
        ArtifactError: a part of the index is missing.
        ShapeMismatch: the parts do not fit.
    """
    tensors, settings = artifact.tensors(NEIGHBOUR_FILE), artifact.manifest.settings
    with renamed(f"read the outcomes of {artifact.manifest.name!r}", loading=True):
        points, count = len(tensors["points"]), len(artifact.manifest.labels)
        fits = (
            tensors["projection"].shape == (width, tensors["points"].shape[1])
            and tensors["mean"].shape == (width,)
            and tensors["outcomes"].shape == (points, count)
            and tensors["prior"].shape == (count,)
        )
        if not fits:
            shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
            raise ShapeMismatch(
                f"outcomes of {artifact.manifest.name!r} with shapes {shapes} do not fit {width}-wide vectors",
                hint=f"{_AGAIN} neighbours",
            )
        return OutcomeIndex(
            mean=tensors["mean"].float(),
            projection=tensors["projection"].float(),
            points=tensors["points"],
            outcomes=tensors["outcomes"].float(),
            prior=tensors["prior"].float(),
            k=int(settings["k"]),
            temperature=float(settings["temperature"]),
            shrink=float(settings["shrink"]),
        )


def _strengths(artifact: Artifact) -> dict[str, float]:
    found = artifact.json(BLIND_FILE)
    good = isinstance(found, dict) and all(
        isinstance(mean, int | float) and math.isfinite(mean) and 0.0 <= mean <= 1.0
        for mean in found.values()
    )
    if not good:
        raise ArtifactError(
            f"{artifact.manifest.name!r}: expected LLM -> mean outcome", hint=f"{_AGAIN} blind"
        )
    return {str(name): float(mean) for name, mean in found.items()}
