"""Claim sets as rows of tokens: one prompt, several cues after it that do not see each other.

A set is read once for the answer and for whether its documents agree.  Each cue and what is to be said after it attend
to the prompt and to themselves, at the places they would have alone, so that a row gives the same losses as one row
for each cue.  What single documents say is asked of each by itself, in rows of their own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mendgraph.adapters.reader.codec import Codec
from mendgraph.adapters.reader.prompt import AGREEMENT, ANSWER, ANSWER_ROOM, NOTHING, alone, compose
from mendgraph.training.conflict.claims.sets import ClaimSet

__all__ = ["AGREES", "Batch", "Part", "Row", "collate", "micro_batches", "rows_of", "shuffled"]

AGREES = {False: "yes", True: "no"}
"""The reader's answer to `AGREEMENT`, by whether there is a conflict."""

_IGNORED = -100
_WIDTH = 64  # widths of batches are its multiples, so that few shapes are compiled


@dataclass(frozen=True, slots=True)
class Part:
    """One cue and what is to be said after it."""

    kind: str
    cue: tuple[int, ...]
    target: tuple[int, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Row:
    prompt: tuple[int, ...]
    parts: tuple[Part, ...]

    @property
    def length(self) -> int:
        return len(self.prompt) + sum(len(part.cue) + len(part.target) - 1 for part in self.parts)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows side by side; shapes (B, W), the mask (B, 1, W, W).

    Attributes:
        targets: the next token, where one is to be learned, else -100.
        weights: of each target; 0 elsewhere.
        parts: of each target the number of its part in its row, for measuring; -1 elsewhere.
        mask: True where a token sees another.
    """

    ids: Tensor
    places: Tensor
    targets: Tensor
    weights: Tensor
    parts: Tensor
    mask: Tensor


def shuffled(claims: ClaimSet, choice: random.Random) -> ClaimSet:
    """The same documents in another order."""
    order = list(range(len(claims.documents)))
    choice.shuffle(order)
    return replace(
        claims,
        documents=[claims.documents[place] for place in order],
        answers=[claims.answers[place] for place in order],
        spans=[claims.spans[place] for place in order],
        groups=[claims.groups[place] for place in order],
    )


def rows_of(
    claims: ClaimSet, codec: Codec, room: int, *, asked: Sequence[int] = (), weight: float = 1.0
) -> list[Row]:
    """The row of the set, then one for each of the documents that are asked by themselves.

    Args:
        room: tokens that the model reads.
        asked: documents, counted from 0.
        weight: of whether documents agree, and of single documents' values, where the answer has 1.
    """
    texts = [document.text for document in claims.documents]
    prompt = compose(codec, claims.question, texts, room - ANSWER_ROOM, cue=None)
    parts = (
        _part("answer", ANSWER, claims.gold, codec, 1.0),
        _part("agreement", AGREEMENT, AGREES[claims.conflict], codec, weight),
    )
    rows = [Row(prompt.ids, parts)]
    for place in asked:
        first, last = prompt.spans[place]
        if first < last:
            value = _part("value", ANSWER, claims.answers[place] or NOTHING, codec, weight)
            rows.append(Row(alone(codec, prompt, place, cue=None).ids, (value,)))
    return rows


def micro_batches(rows: Sequence[Row], at_once: int, pad_id: int) -> Iterator[Batch]:
    """Rows of like length together, up to `at_once` tokens; each width always comes with the same number of rows."""
    ordered = sorted(rows, key=lambda row: -row.length)
    start = 0
    while start < len(ordered):
        width = _width(ordered[start].length)
        size = max(1, at_once // width)
        yield collate(ordered[start : start + size], pad_id, height=size)
        start += size


def collate(rows: Sequence[Row], pad_id: int, *, height: int | None = None) -> Batch:
    """Rows padded on the right to a multiple of 64 tokens.

    Args:
        height: B, filled up with empty rows; None for as many as there are.
    """
    width = _width(max(row.length for row in rows))
    shape = (len(rows) if height is None else height, width)
    ids = torch.full(shape, pad_id)
    places = torch.zeros(shape, dtype=torch.long)
    targets = torch.full(shape, _IGNORED)
    weights = torch.zeros(shape)
    parts = torch.full(shape, -1)
    groups = torch.full(shape, -1)  # 0 for the prompt, then one number per part; -1 for padding
    for number, row in enumerate(rows):
        end = len(row.prompt)
        ids[number, :end] = torch.tensor(row.prompt)
        places[number, :end] = torch.arange(end)
        groups[number, :end] = 0
        for index, part in enumerate(row.parts):
            said = [*part.cue, *part.target[:-1]]
            first, end = end, end + len(said)
            start = first + len(part.cue) - 1
            ids[number, first:end] = torch.tensor(said)
            places[number, first:end] = torch.arange(len(row.prompt), len(row.prompt) + len(said))
            groups[number, first:end] = index + 1
            targets[number, start:end] = torch.tensor(part.target)
            weights[number, start:end] = part.weight
            parts[number, start:end] = index
    keys, queries = groups[:, None, :], groups[:, :, None]
    seen = ((keys == 0) | (keys == queries)) & (keys >= 0)
    mask = seen & torch.ones(width, width, dtype=torch.bool).tril()
    mask |= torch.eye(width, dtype=torch.bool)  # padding sees itself: no row of attention may be empty
    return Batch(ids, places, targets, weights, parts, mask[:, None])


def _width(length: int) -> int:
    return -(-length // _WIDTH) * _WIDTH


def _part(kind: str, cue: str, said: str, codec: Codec, weight: float) -> Part:
    target = [*codec.pieces(f" {said}"), codec.line_id]
    return Part(kind, tuple(codec.pieces(cue)), tuple(target), weight)
