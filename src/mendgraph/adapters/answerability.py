"""Says of documents whether they answer a question, with an adapter and a head on the shared encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mendgraph.adapters.adapter_tier import own_calibration
from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.pair_reader import PairReader
from mendgraph.core.answerability import FEATURES, LABELS, features, texts
from mendgraph.core.arrays import FloatArray
from mendgraph.errors import ArtifactError, BadOutput
from mendgraph.modules.pair_head import PairHead

__all__ = ["ANSWERABILITY", "Answerability"]

ANSWERABILITY: Final = "conflict_answerability"


class Answerability:
    """Reads a question and one document together.

    Attributes:
        fingerprint: of its weights.
    """

    def __init__(self, encoder: SharedEncoder, artifact: Artifact, *, merge: bool = True) -> None:
        """
        Raises:
            ArtifactError: the artefact is something else, or of another version.
            ConfigError: the encoder cannot read two texts.
        """
        manifest = artifact.manifest
        if manifest.kind != ANSWERABILITY:
            raise ArtifactError(
                f"{str(artifact.folder)!r} holds a {manifest.kind}, not a {ANSWERABILITY}",
                hint="give another folder",
            )
        self.fingerprint = artifact.fingerprint
        self._calibrator = own_calibration(artifact)
        self._reader = PairReader(
            encoder, artifact, PairHead, labels=LABELS, features=FEATURES, part="answerability", merge=merge
        )

    def chances(self, asked: Sequence[tuple[str, str]]) -> FloatArray:
        """(N, labels) calibrated probabilities of `LABELS` for pairs of question and document.

        Raises:
            BadOutput: not finite.
        """
        if not asked:
            return np.empty((0, len(LABELS)))
        logits, _ = self._reader.logits([texts(*one) for one in asked], [features(*one) for one in asked])
        chances = logits.softmax(-1).double().numpy()
        if not np.isfinite(chances).all():
            raise BadOutput("answerability: probabilities are not finite", hint="precision fp32")
        calibrated = chances if self._calibrator is None else self._calibrator.transform(chances)
        return np.asarray(calibrated)
