"""Token streams cut into windows, and windows mixed over domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from mendgraph.errors import DataError

IGNORED = -100
_ROUND = 1000  # windows after which the domains' shares are met exactly


@dataclass(frozen=True, slots=True)
class Windows:
    """What a model is measured on: inputs and targets (N, L); each token of the stream is a target exactly once."""

    inputs: Tensor
    targets: Tensor

    def every(self, count: int) -> Windows:
        """At most `count` windows, evenly spaced."""
        if count >= len(self.inputs):
            return self
        chosen = torch.linspace(0, len(self.inputs) - 1, count).round().long()
        return Windows(self.inputs[chosen], self.targets[chosen])


def windows(stream: NDArray[np.uint16], context: int) -> Windows:
    """The stream's tokens after the first, `context` to a window; the last window is filled with `IGNORED`."""
    predicted = len(stream) - 1
    count = -(-predicted // context)
    inputs = np.full(count * context, stream[0], np.int64)
    targets = np.full(count * context, IGNORED, np.int64)
    inputs[:predicted], targets[:predicted] = stream[:-1], stream[1:]
    shape = (count, context)
    return Windows(torch.from_numpy(inputs.reshape(shape)), torch.from_numpy(targets.reshape(shape)))


class Ring:
    """A stream whose end meets its start, read in passes of shuffled windows.

    Each pass cuts at another offset, so a token does not see the same context twice.  A pass has every token as a
    target once; up to `context` - 1 of them a second time, where the last window reaches past the start.
    """

    def __init__(self, stream: NDArray[np.uint16], context: int, seed: Sequence[int]) -> None:
        self._tokens = stream[1:]  # begins after END, ends with END
        if len(self._tokens) <= context:
            raise DataError(f"{len(self._tokens)} tokens are too few for windows of {context}")
        self._context = context
        self._seed = tuple(seed)
        self._known: tuple[int, int, NDArray[np.int64]] | None = None
        self.count = -(-len(self._tokens) // context)

    def starts(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the windows at these positions of the endless sequence of passes begin."""
        found = np.empty_like(positions)
        for turn in np.unique(positions // self.count):
            chosen = positions // self.count == turn
            offset, order = self._pass(int(turn))
            found[chosen] = offset + order[positions[chosen] % self.count] * self._context
        return found

    def read(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens (N, L+1); the first of each window is input only."""
        indices = starts[:, None] + np.arange(-1, self._context)
        tokens: NDArray[np.int64] = self._tokens[indices % len(self._tokens)].astype(np.int64)
        return tokens

    def _pass(self, turn: int) -> tuple[int, NDArray[np.int64]]:
        if self._known is None or self._known[0] != turn:
            random = np.random.default_rng([*self._seed, turn])
            self._known = (turn, int(random.integers(self._context)), random.permutation(self.count))
        _, offset, order = self._known
        return offset, order


class Mixture(Dataset[NDArray[np.int64]]):
    """Windows of several domains in fixed shares; row `i` is the same in every run with this seed."""

    def __init__(
        self,
        streams: Mapping[str, NDArray[np.uint16]],
        mix: Mapping[str, float],
        *,
        context: int,
        rows: int,
        seed: int,
    ) -> None:
        names = [name for name in streams if mix.get(name, 0) > 0]
        self._rings = [Ring(streams[name], context, (seed, number)) for number, name in enumerate(names)]
        shares = np.array([mix[name] for name in names])
        order = np.repeat(np.arange(len(names)), _whole(shares / shares.sum()))
        self._order = np.random.default_rng([seed, 2**20]).permutation(order)
        # before[r, d]: windows of domain d among the first r of a round
        hits = self._order[:, None] == np.arange(len(names))
        self._before = np.vstack([np.zeros(len(names), np.int64), hits.cumsum(0)])
        self._rows = rows
        self._width = context + 1

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, index: int) -> NDArray[np.int64]:
        row: NDArray[np.int64] = self.__getitems__([index])[0]
        return row

    def __getitems__(self, indices: Sequence[int]) -> NDArray[np.int64]:
        """Rows (N, L+1)."""
        rounds, places = np.divmod(np.asarray(indices, np.int64), _ROUND)
        domains = self._order[places]
        rows = np.empty((len(indices), self._width), np.int64)
        for number, ring in enumerate(self._rings):
            mine = domains == number
            if mine.any():
                nth = rounds[mine] * self._before[-1, number] + self._before[places[mine], number]
                rows[mine] = ring.read(ring.starts(nth))
        return rows

    def passes(self, rows: int) -> list[float]:
        """How often each domain was read after `rows` rows."""
        return [
            rows * float(self._before[-1, number]) / _ROUND / ring.count
            for number, ring in enumerate(self._rings)
        ]


def as_batch(rows: NDArray[np.int64]) -> dict[str, Tensor]:
    return {"input_ids": torch.from_numpy(rows)}


def _whole(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The shares of a round as whole numbers, by largest remainder."""
    counts = np.floor(shares * _ROUND).astype(np.int64)
    for index in np.argsort(counts - shares * _ROUND)[: _ROUND - counts.sum()]:
        counts[index] += 1
    return counts
