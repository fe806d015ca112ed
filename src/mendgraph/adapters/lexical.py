"""A backup that needs no neural network: a linear model over words and character n-grams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.outcomes import outcome
from mendgraph.core.arrays import softmax
from mendgraph.core.lexical import LexicalModel
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ShapeMismatch


class LexicalTier:
    """Answers from an artefact with ``lexical.safetensors``.

    Its tensors: ``keys`` (K,) int64, ``idf`` (K,) float16, ``weights`` (K, C) int8, ``scale`` (C,) float32 per
    class, ``bias`` (C,) float32.
    """

    def __init__(self, name: str, artifact: Artifact) -> None:
        self.name = name
        self.fingerprint = artifact.fingerprint
        self.labels = artifact.manifest.labels
        arrays = {key: tensor.numpy() for key, tensor in artifact.tensors("lexical.safetensors").items()}
        with renamed(f"read the lexical model of tier {name!r}", loading=True):
            count, classes = arrays["weights"].shape
            sizes = {"keys": count, "idf": count, "scale": classes, "bias": classes}
            fits = classes == len(self.labels) and all(arrays[key].shape == (n,) for key, n in sizes.items())
        if not fits:
            raise ShapeMismatch(
                f"lexical model of tier {name!r}: weights {count}x{classes} for {len(self.labels)} labels",
                hint="train it again: mend train emotion --part backups",
            )
        self.model = LexicalModel(
            keys=arrays["keys"].astype(np.uint32),
            idf=arrays["idf"].astype(np.float32),
            weights=arrays["weights"].astype(np.float32) * arrays["scale"],
            bias=arrays["bias"],
        )

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        probabilities = softmax(self.model.logits([row.text for row in rows]))
        return [outcome(self.name, self.labels, scores) for scores in probabilities.tolist()]
