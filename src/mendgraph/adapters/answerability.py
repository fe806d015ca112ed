"""Says of documents whether they answer a question, with an adapter and a head on the shared encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from mendgraph.adapters.adapter_tier import own_calibration
from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.forward import run_batches
from mendgraph.core.answerability import FEATURES, LABELS, features, texts
from mendgraph.core.arrays import FloatArray
from mendgraph.errors import ArtifactError, BadOutput, ConfigError
from mendgraph.modules.lora import use_adapter
from mendgraph.modules.pair_head import PairHead, pair_states

__all__ = ["ANSWERABILITY", "Answerability"]

ANSWERABILITY: Final = "conflict_answerability"
HEAD: Final = "head.safetensors"
_CUT: Final = "longest_first"


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
        if not encoder.backbone.tokenizer.wants_types:
            raise ConfigError("answerability: the encoder does not tell the two texts of a pair apart")
        with renamed(f"read the settings of {manifest.name!r}", loading=True):
            settings = manifest.settings
            width, known = int(settings["head_width"]), tuple(settings["features"])
            self._max_length = min(int(settings["max_length"]), encoder.backbone.positions)
        if manifest.labels != LABELS or known != FEATURES:
            raise ArtifactError(
                f"{manifest.name!r} was made with other labels or features than this version has",
                hint="train it again: mend train conflict --part answerability",
            )
        self.fingerprint = artifact.fingerprint
        self._calibrator = own_calibration(artifact)
        self._encoder = encoder
        self._head = PairHead(encoder.hidden_size, len(FEATURES), width, len(LABELS))
        with renamed(f"read the head of {manifest.name!r}", loading=True):
            self._head.load_state_dict({key: part.float() for key, part in artifact.tensors(HEAD).items()})
        self._head.eval().requires_grad_(False)
        self._adapter = f"{manifest.name}@{artifact.fingerprint}"
        encoder.add_adapter(self._adapter, artifact, merge=merge)

    def chances(self, asked: Sequence[tuple[str, str]]) -> FloatArray:
        """(N, labels) calibrated probabilities of `LABELS` for pairs of question and document.

        Raises:
            BadOutput: not finite.
        """
        if not asked:
            return np.empty((0, len(LABELS)))
        backbone = self._encoder.backbone
        model: Any = backbone.model

        def forward(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
            if types is None:
                raise ConfigError("answerability: the tokenizer gave no segment ids")
            states = model(input_ids=ids, attention_mask=mask, token_type_ids=types).last_hidden_state
            return pair_states(states, mask, types)

        tokens = backbone.tokenizer.pairs([texts(*one) for one in asked], self._max_length, _CUT)
        with use_adapter(self._adapter):
            states = run_batches(
                tokens,
                forward,
                limits=self._encoder.limits,
                working=self._encoder.working,
                pad_id=backbone.tokenizer.pad_id,
                device=backbone.device,
            )
        known = torch.tensor([features(*one) for one in asked], dtype=torch.float32)
        with torch.inference_mode():
            chances = self._head(states, known).softmax(-1).double().numpy()
        if not np.isfinite(chances).all():
            raise BadOutput("answerability: probabilities are not finite", hint="precision fp32")
        calibrated = chances if self._calibrator is None else self._calibrator.transform(chances)
        return np.asarray(calibrated)
