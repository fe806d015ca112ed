"""From rows to padded batches of similar length, in an order that depends on seed and epoch only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mendgraph.training.emotion.corpus import UNKNOWN, Row
from mendgraph.training.emotion.labels import GOEMOTIONS

CHUNK_BATCHES = 50
"""Batches whose rows are sorted together: little padding, yet every epoch mixes rows anew."""


class Item(TypedDict):
    """One encoded row."""

    input_ids: list[int]
    row: Row


class Encoded(Dataset[Item]):
    """Rows with their token ids."""

    def __init__(self, rows: Sequence[Row], ids: Sequence[list[int]]) -> None:
        self.rows = tuple(rows)
        self.ids = tuple(ids)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        return {"input_ids": self.ids[index], "row": self.rows[index]}

    @property
    def lengths(self) -> list[int]:
        return [len(ids) for ids in self.ids]

    def by_length(self) -> Encoded:
        """Longest first, so that evaluation pads little and runs out of memory at once or not at all."""
        order = sorted(range(len(self)), key=lambda index: -len(self.ids[index]))
        return Encoded([self.rows[index] for index in order], [self.ids[index] for index in order])


class LengthBuckets(Sampler[int]):
    """Row numbers of one epoch: shuffled, sorted by length within chunks, whole batches shuffled again.

    Unlike transformers' `LengthGroupedSampler` it draws from no global generator, so a resumed epoch sees the
    rows that the interrupted one had left; and batches do not come in order of falling length.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths = lengths
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 10_007 + self.epoch)
        order: list[int] = torch.randperm(len(self.lengths), generator=generator).tolist()
        size, chunk = self.batch_size, self.batch_size * CHUNK_BATCHES
        batches: list[list[int]] = []
        for start in range(0, len(order), chunk):
            rows = sorted(order[start : start + chunk], key=lambda row: self.lengths[row])
            batches += [rows[at : at + size] for at in range(0, len(rows), size)]
        last = [batches.pop()] if batches and len(batches[-1]) < size else []  # a short one must stay last
        shuffled = [batches[at] for at in torch.randperm(len(batches), generator=generator).tolist()]
        return iter([row for batch in shuffled + last for row in batch])


class Collate:
    """Padded tensors of B rows.

    ``input_ids``, ``attention_mask`` (B, T); ``emotion`` (B,) class index or -1; ``fine`` (B, 28) 0/1 and
    ``has_fine`` (B,) 0/1; ``irony`` (B,) 0, 1 or -1.
    """

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, items: Sequence[Item]) -> dict[str, Tensor]:
        width = max(len(item["input_ids"]) for item in items)
        rows = [item["row"] for item in items]
        fine = torch.zeros(len(items), len(GOEMOTIONS))
        for at, row in enumerate(rows):
            fine[at, list(row.fine or ())] = 1.0
        return {
            "input_ids": torch.tensor([_padded(item["input_ids"], width, self.pad_id) for item in items]),
            "attention_mask": torch.tensor(
                [_padded([1] * len(item["input_ids"]), width, 0) for item in items]
            ),
            "emotion": torch.tensor([row.emotion for row in rows]),
            "fine": fine,
            "has_fine": torch.tensor([float(row.fine is not None) for row in rows]),
            "irony": torch.tensor([row.irony for row in rows]),
        }


def known(rows: Sequence[Row], what: str) -> list[int]:
    """Positions of the rows whose ``emotion`` or ``irony`` is known."""
    return [at for at, row in enumerate(rows) if getattr(row, what) != UNKNOWN]


def _padded(values: list[int], width: int, fill: int) -> list[int]:
    return values + [fill] * (width - len(values))
