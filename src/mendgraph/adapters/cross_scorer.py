"""A tier that reads a client's turn and a counsellor's response together and scores the response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mendgraph.adapters.adapter_tier import own_calibration
from mendgraph.adapters.artifacts import Artifact
from mendgraph.adapters.encoder import SharedEncoder
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.forward import run_batches
from mendgraph.adapters.outcomes import nan_rows
from mendgraph.adapters.pairs import CUT, Pair, answered, note_cuts
from mendgraph.core.arrays import FloatArray
from mendgraph.core.reflection import LABELS
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ArtifactError, ConfigError, HashMismatch
from mendgraph.modules.layered import climb, depth, embedded, head_inputs, input_widths, pair_vectors
from mendgraph.modules.level_head import LevelHead, level_chances, score_logits
from mendgraph.modules.lora import use_adapter

__all__ = ["CrossScorerTier"]

HEAD = "head.safetensors"
ADAPTER = "adapter_model.safetensors"


class CrossScorerTier:
    """Answers rows with an artefact's head, and its adapter where it has one.

    ``head.safetensors`` holds the tensors of `LevelHead.plain`.  The manifest's settings say how many of the
    encoder's layers the head reads (``layers``), its ``head_width`` and ``max_length``.
    """

    def __init__(self, name: str, encoder: SharedEncoder, artifact: Artifact, *, merge: bool = True) -> None:
        manifest = artifact.manifest
        self.name = name
        self.fingerprint = artifact.fingerprint
        self.labels = manifest.labels
        self.calibrator = own_calibration(artifact)
        self._encoder = encoder
        base = manifest.base_model
        if base is None or base.sha256 != encoder.backbone.sha256:
            raise HashMismatch(
                f"{manifest.name!r} was made over {base.name if base else 'an unknown encoder'}, this is another one",
                hint="configure the encoder that it was made over",
            )
        if not encoder.backbone.tokenizer.wants_types:
            raise ConfigError(f"tier {name!r}: the encoder does not tell the two texts of a pair apart")
        with renamed(f"read the settings of tier {name!r}", loading=True):
            settings = manifest.settings
            layers, width = int(settings["layers"]), int(settings["head_width"])
            self._max_length = min(int(settings["max_length"]), encoder.backbone.positions)
        if self.labels != LABELS:
            raise ArtifactError(
                f"{manifest.name!r} has the labels {', '.join(self.labels)}, its head speaks of {', '.join(LABELS)}",
                hint="train it again: mend train reflection",
            )
        self._first = depth(encoder.backbone.model) - layers + 1
        if self._first < 0 or layers < 1:
            raise ArtifactError(f"{manifest.name!r} reads {layers} layers, the encoder has fewer")
        self._layers = layers
        self._head = LevelHead(input_widths(encoder.hidden_size, layers), width)
        self._head.load_plain({key: part.float() for key, part in artifact.tensors(HEAD).items()})
        self._head.eval().requires_grad_(False)
        self._adapter: str | None = None
        if ADAPTER in manifest.files:
            # Named by content: two graphs may each have an adapter called "primary" on one encoder.
            self._adapter = f"{manifest.name}@{artifact.fingerprint}"
            encoder.add_adapter(self._adapter, artifact, merge=merge)

    def predict(self, rows: Sequence[Input]) -> list[Prediction | Failure]:
        return answered(self.name, self.labels, rows, self._judge)

    def _judge(self, pairs: Sequence[Pair]) -> tuple[FloatArray, FloatArray]:
        classes = nan_rows(self.classes(pairs))
        chances = level_chances(classes).double().numpy()
        return chances, score_logits(classes).sigmoid().double().numpy()

    def classes(self, pairs: Sequence[Pair]) -> Tensor:
        """(N, 4) class logits, one row per (prompt, response), in order; see `CLASSES`."""
        columns = (pairs, [(prompt, "") for prompt, _ in pairs], [("", response) for _, response in pairs])
        new = list(dict.fromkeys(pair for column in columns for pair in column))
        place = {pair: row for row, pair in enumerate(new)}
        found = self._vectors(new, len(set(pairs)))
        with torch.inference_mode():
            together, prompts, responses = (found[[place[pair] for pair in column]] for column in columns)
            logits: Tensor = self._head(head_inputs(together, prompts, responses, self._layers))
        return logits

    def _vectors(self, pairs: Sequence[Pair], told: int) -> Tensor:
        """(N, width) on the CPU, see `pair_vectors`; the trail is told which of the first `told` pairs were cut."""
        backbone = self._encoder.backbone
        model: Any = backbone.model

        def forward(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
            if types is None:
                raise ConfigError(f"tier {self.name!r}: the tokenizer gave no segment ids")
            return pair_vectors(climb(model, embedded(model, ids, types), mask)[self._first :], mask, types)

        tokens = backbone.tokenizer.pairs(pairs, self._max_length, CUT)
        note_cuts(backbone.tokenizer, pairs[:told], tokens, self._max_length)
        with use_adapter(self._adapter):
            return run_batches(
                tokens,
                forward,
                limits=self._encoder.limits,
                working=self._encoder.working,
                pad_id=backbone.tokenizer.pad_id,
                device=backbone.device,
            )
