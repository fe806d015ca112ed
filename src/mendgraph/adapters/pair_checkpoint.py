"""A tier made of a published scorer's checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mendgraph.adapters.cross_scorer_model import CrossScorerModel
from mendgraph.adapters.hashing import sha256_of, sha256_of_json
from mendgraph.adapters.hub import locate, locate_file
from mendgraph.adapters.outcomes import outcome
from mendgraph.core.arrays import FloatArray, sigmoid
from mendgraph.core.ordinal import OrdinalModel
from mendgraph.core.reflection import LABELS
from mendgraph.core.values import Failure, Input, Prediction
from mendgraph.errors import ConfigError, InputError

__all__ = ["PairCheckpointTier", "nearest_levels"]

_READ = ("config.json", "tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "tokenizer_config.json")
"""Files of the encoder's folder that change what a checkpoint answers."""


class PairCheckpointTier:
    """Answers (prompt, response) rows with the score of a `CrossScorerModel` and the level it stands for.

    Args:
        checkpoint: a path, or ``hf://owner/name/file``.
        encoder: hub name or folder with the configuration and tokenizer it was trained with.
        levels: slope and cuts of an `OrdinalModel` fitted to this checkpoint's logits; None shares the probability
            out between the two levels whose worth is nearest to the score, see `nearest_levels`.
        cache: folder to keep hub files in, instead of the hub's own.
        head: width, activation and dropout, where they are not the layout's.
    """

    def __init__(
        self,
        name: str,
        checkpoint: str | Path,
        encoder: str = "roberta-base",
        *,
        levels: Mapping[str, Any] | None = None,
        cache: str | Path | None = None,
        head: Mapping[str, Any] | None = None,
        device: str = "auto",
        precision: str = "fp32",
        max_length: int = 512,
        batch_size: int = 32,
    ) -> None:
        head = dict(head or {})
        if strange := sorted(set(head) - {"width", "activation", "dropout"}):
            raise ConfigError(f"head: unknown {strange}", hint="it takes width, activation, dropout")
        self.name = name
        self.labels = LABELS
        self._levels = None if levels is None else OrdinalModel.from_dict(levels)
        file = locate_file(checkpoint, cache=cache)
        self._model = CrossScorerModel.from_checkpoint(
            file,
            encoder,
            device=device,
            precision=precision,
            max_length=max_length,
            batch_size=batch_size,
            **head,
        )
        folder = locate(encoder, weights=False)
        hashes = {
            "checkpoint": sha256_of(file),
            "encoder": {name: sha256_of(folder / name) for name in _READ if (folder / name).is_file()},
            "levels": self._levels and self._levels.to_dict(),
            "head": head,
        }
        self.fingerprint = sha256_of_json(hashes)[:16]

    def predict(self, rows: Sequence[Input]) -> Sequence[Prediction | Failure]:
        pairs = {place: (row.facts["prompt"], row.text) for place, row in enumerate(rows) if _is_pair(row)}
        logits = self._model.pair_logits(list(pairs.values())).double().numpy()
        finite = np.where(np.isfinite(logits), logits, 0.0)
        scores = sigmoid(finite)
        found = nearest_levels(scores) if self._levels is None else self._levels.probabilities(finite)
        found = np.where(np.isfinite(logits)[:, None], found, np.nan)
        said = {
            place: self._valued(outcome(self.name, self.labels, row), float(score))
            for place, row, score in zip(pairs, found.tolist(), scores, strict=True)
        }
        return [said.get(place) or _no_pair() for place in range(len(rows))]

    @staticmethod
    def _valued(said: Prediction | Failure, score: float) -> Prediction | Failure:
        if isinstance(said, Failure):
            return said
        return replace(said, value={"score": score, "level": said.label})


def nearest_levels(scores: FloatArray) -> FloatArray:
    """(N,) scores in [0, 1] -> (N, 3) probabilities of none, simple, complex, whose expected worth is the score.

    Only the two levels beside a score share the probability, so the likeliest is the nearest: borders at .25 and .75.
    """
    simple = 1.0 - np.abs(2.0 * scores - 1.0)
    none, complex_ = np.clip(1.0 - 2.0 * scores, 0.0, 1.0), np.clip(2.0 * scores - 1.0, 0.0, 1.0)
    return np.stack([none, simple, complex_], axis=1)


def _is_pair(row: Input) -> bool:
    return isinstance(row.facts.get("prompt"), str)


def _no_pair() -> Failure:
    return Failure.of(
        InputError("the row has no prompt", hint='give {"prompt": ..., "response": ...}, or a pair')
    )
