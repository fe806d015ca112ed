"""States below the layers that training changes: the same in every epoch, so each pair's are computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mendgraph.adapters.backbone import load_tokenizer, open_encoder
from mendgraph.adapters.batching import buckets
from mendgraph.adapters.pairs import CUT
from mendgraph.adapters.tokens import Tokens
from mendgraph.config import ReflectionTrainingSpec
from mendgraph.errors import ConfigError
from mendgraph.modules.layered import climb, depth, embedded, head_inputs, pair_vectors
from mendgraph.training.emotion.train import choose_precision
from mendgraph.training.reflection.batches import Pair

ROWS, TOKENS = 128, 4096
CHUNK = 512
"""Pairs whose lower states are in memory at once while many are read."""

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Lower:
    """One pair: `hidden` (T, H) goes into the first trained layer, `types` (T,) is 1 for the response's tokens."""

    hidden: Tensor
    types: Tensor


class LowerStates:
    """Serves every fold of a cross-validation."""

    def __init__(self, folder: Path, settings: ReflectionTrainingSpec, device: torch.device) -> None:
        """
        Args:
            folder: of the encoder.

        Raises:
            ArtifactError: it holds no complete encoder.
            ConfigError: an encoder that is not built like BERT, or has too few layers.
        """
        self.folder, self.device = folder, device
        self.max_length = settings.max_length
        self.precision = choose_precision(settings.precision, device)
        encoder = open_encoder(folder)
        self.tokenizer = load_tokenizer(folder)
        if not self.tokenizer.wants_types:
            raise ConfigError(
                f"the encoder in {str(folder)!r} does not tell the two texts of a pair apart",
                hint="use one with segment ids, as BERT has",
            )
        wanted = max(settings.layers, settings.top_layers)
        if wanted > depth(encoder):
            raise ConfigError(
                f"layers and top_layers: up to {wanted}, but the encoder has {depth(encoder)} layers"
            )
        self.layers = settings.layers
        self.stop = depth(encoder) - max(settings.layers - 1, settings.top_layers)
        self.encoder = encoder.to(device).eval().requires_grad_(False)
        self._known: dict[Pair, Lower] = {}
        self._vectors: dict[Pair, Tensor] = {}

    def vectors(self, pairs: Sequence[Pair]) -> Tensor:
        """(N, width) float32 inputs of the head, by the encoder as it is; remembered, about 18 kB a text or pair."""
        columns = (pairs, *apart(pairs))
        self._read([pair for column in columns for pair in column])
        together, prompts, responses = (
            torch.stack([self._vectors[pair] for pair in column]) for column in columns
        )
        return head_inputs(together, prompts, responses, self.layers)

    def _read(self, pairs: Sequence[Pair]) -> None:
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._vectors]
        for start in range(0, len(new), CHUNK):
            part = new[start : start + CHUNK]
            lower = self.of(part, keep=False)
            with torch.no_grad(), self.autocast():
                for rows in buckets([len(row.types) for row in lower], ROWS, TOKENS):
                    states, mask, types = padded([lower[row] for row in rows], self.device)
                    upper = climb(self.encoder, states, mask, self.stop)[-self.layers :]
                    found = pair_vectors(upper, mask, types)
                    self._vectors |= {part[row]: vector for row, vector in zip(rows, found, strict=True)}

    def of(self, pairs: Sequence[Pair], *, keep: bool = True) -> list[Lower]:
        """In order; `keep` remembers them for the next time, about 55 kB a pair in bf16."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        found = dict(zip(new, self._computed(new), strict=True))
        if keep:
            self._known |= found
        return [found[pair] if pair in found else self._known[pair] for pair in pairs]

    def autocast(self) -> torch.autocast:
        """The arithmetic that both halves of the encoder run in."""
        dtype = DTYPES.get(self.precision)
        return torch.autocast(self.device.type, dtype, enabled=dtype is not None)

    def _computed(self, pairs: Sequence[Pair]) -> list[Lower]:
        if not pairs:
            return []
        tokens = self.tokenizer.pairs(pairs, self.max_length, CUT)
        found: dict[int, Lower] = {}
        kept = DTYPES.get(self.precision, torch.float32)
        with torch.no_grad(), self.autocast():
            for rows in buckets([len(ids) for ids in tokens.ids], ROWS, TOKENS):
                ids, mask, types = tensors(tokens.take(rows), self.tokenizer.pad_id, self.device)
                states = climb(self.encoder, embedded(self.encoder, ids, types), mask, 0, self.stop)[-1]
                states = states.to(kept).cpu()
                for place, row in enumerate(rows):
                    length = len(tokens.ids[row])
                    found[row] = Lower(states[place, :length].clone(), types[place, :length].cpu())
        return [found[row] for row in range(len(pairs))]


def apart(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """The prompts with an empty response, and the responses with an empty prompt."""
    return [(prompt, "") for prompt, _ in pairs], [("", response) for _, response in pairs]


def tensors(tokens: Tokens, pad_id: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and segment ids, each (B, T)."""
    width = max(len(ids) for ids in tokens.ids)
    types = tokens.types or [[0] * len(ids) for ids in tokens.ids]
    columns = (
        [ids + [pad_id] * (width - len(ids)) for ids in tokens.ids],
        [[1] * len(ids) + [0] * (width - len(ids)) for ids in tokens.ids],
        [row + [0] * (width - len(row)) for row in types],
    )
    ids, mask, segments = (torch.tensor(column).to(device) for column in columns)
    return ids, mask, segments


def padded(rows: Sequence[Lower], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """States (B, T, H) float32, mask and segment ids (B, T)."""
    width = max(len(row.types) for row in rows)
    states = torch.zeros(len(rows), width, rows[0].hidden.shape[1])
    mask = torch.zeros(len(rows), width, dtype=torch.long)
    types = torch.zeros(len(rows), width, dtype=torch.long)
    for place, row in enumerate(rows):
        length = len(row.types)
        states[place, :length] = row.hidden.float()
        mask[place, :length] = 1
        types[place, :length] = row.types
    return states.to(device), mask.to(device), types.to(device)
