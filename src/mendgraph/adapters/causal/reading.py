"""What the experts have read of a batch: left-padded rows, and for each expert how far it got.

An expert that was left behind catches up in one prefill over what it missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from mendgraph.adapters.causal.caches import ExpertCache
from mendgraph.adapters.causal.ensemble import Ensemble
from mendgraph.adapters.causal.failover import Passed, attempt
from mendgraph.adapters.causal.host import Host
from mendgraph.core.values import Failure

__all__ = ["Reading"]


class Reading:
    """Rows of token ids that grow by one column at a time.

    Attributes:
        rows: what the caller calls the rows, one number each.
        texts: their ids so far, without padding.
        width: columns so far, padding included.

    Args:
        texts: none of them empty.
        room: columns to make room for at first; it doubles when they are not enough.
    """

    def __init__(
        self, ensemble: Ensemble, rows: Sequence[int], texts: Sequence[Sequence[int]], room: int
    ) -> None:
        self.ensemble = ensemble
        self.rows, self.texts = list(rows), [list(text) for text in texts]
        self.width = max(map(len, texts))
        self.pads = [self.width - len(text) for text in texts]
        pad, room = ensemble.vocabulary.pad_id, max(room, self.width)
        filled = [
            [pad] * gap + text + [pad] * (room - self.width)
            for gap, text in zip(self.pads, self.texts, strict=True)
        ]
        self._ids = torch.tensor(filled, dtype=torch.long).to(ensemble.device)
        self._caches: dict[int, ExpertCache] = {}
        self._states: dict[int, Tensor] = {}  # of experts that have read every column
        self._set_padding()

    def states(self, experts: Sequence[int]) -> Passed:
        """(B, H) of each expert, from which it predicts the next token; who lags catches up first."""
        missing = [expert for expert in experts if expert not in self._states]
        failures: dict[int, Failure] = {}
        for host, group in self._together(missing):
            passed = attempt(partial(self._run, host), tuple(group), self.ensemble.names)
            self._states |= passed.states
            failures |= passed.failures
        return Passed({e: self._states[e] for e in experts if e not in failures}, failures)

    def append(self, ids: list[int]) -> None:
        """One more token for each row."""
        if self.width == self._ids.shape[1]:
            self._ids = torch.nn.functional.pad(self._ids, (0, self.width))
            self._set_padding()
        self._ids[:, self.width] = torch.tensor(ids, device=self._ids.device)
        for text, token in zip(self.texts, ids, strict=True):
            text.append(token)
        self.width += 1
        self._states = {}

    def keep(self, places: Sequence[int]) -> None:
        """Go on with the rows at these places only."""
        if [*places] == [*range(len(self.rows))]:
            return
        index = torch.tensor(places, device=self._ids.device)
        self._ids = self._ids.index_select(0, index)
        for cache in self._caches.values():
            cache.select(index)
        self.rows = [self.rows[place] for place in places]
        self.texts = [self.texts[place] for place in places]
        self.pads = [self.pads[place] for place in places]
        self._states = {}
        self._set_padding()

    def common(self, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> int:
        """Columns that these rows with these texts have in common with what was read; 0 where `follow` cannot."""
        if not set(rows) <= set(self.rows):
            return 0
        places = [self.rows.index(row) for row in rows]
        if len({self.pads[place] + len(text) for place, text in zip(places, texts, strict=True)}) > 1:
            return 0
        shared = min(
            self.pads[place] + _shared(self.texts[place], text)
            for place, text in zip(places, texts, strict=True)
        )
        return shared if shared > max(self.pads[place] for place in places) else 0

    def follow(self, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> None:
        """Become these rows with these texts, keeping what was read of their `common` beginning."""
        shared = self.common(rows, texts)
        self.keep([self.rows.index(row) for row in rows])
        width = self.pads[0] + len(texts[0])
        # the last column is read again, for its state
        for cache in self._caches.values():
            cache.crop(min(shared, width - 1))
        self._states = {}
        self.width = shared
        self.texts = [list(text[: shared - gap]) for gap, text in zip(self.pads, texts, strict=True)]
        for column in range(shared, width):
            self.append([text[column - gap] for gap, text in zip(self.pads, texts, strict=True)])

    @property
    def cache_bytes(self) -> int:
        """Memory of all keys and values."""
        return sum(cache.bytes for cache in self._caches.values())

    def _run(self, host: Host, group: tuple[int, ...]) -> Tensor:
        """(K, B, H) after the last column."""
        cache = self._cache(host)
        seats = tuple(self.ensemble.seats[expert][1] for expert in group)
        start = cache.lengths.get(seats[0], 0)
        states = host.run(
            seats,
            self._ids[:, start : self.width],
            mask=None if self._mask is None else self._mask[:, : self.width],
            places=self._places[:, start : self.width],
            cache=cache,
        )
        return self.ensemble.widened(states[:, :, -1])

    def _together(self, experts: Sequence[int]) -> list[tuple[Host, list[int]]]:
        """Those of one model that have read equally far."""
        found = []
        for host, group in self.ensemble.groups(experts):
            lengths = self._cache(host).lengths
            by_length: dict[int, list[int]] = {}
            for expert in group:
                by_length.setdefault(lengths.get(self.ensemble.seats[expert][1], 0), []).append(expert)
            found += [(host, part) for part in by_length.values()]
        return found

    def _cache(self, host: Host) -> ExpertCache:
        found = self._caches.get(id(host))
        if found is None:
            found = ExpertCache(host.layers, len(self.rows), self._ids.shape[1])
            self._caches[id(host)] = found
        return found

    def _set_padding(self) -> None:
        """Mask and positions of all columns there is room for."""
        columns = torch.arange(self._ids.shape[1], device=self._ids.device)[None]
        self._mask: Tensor | None = None
        if any(self.pads):
            offsets = torch.tensor(self.pads, device=self._ids.device)[:, None]
            self._mask, columns = (columns >= offsets).long(), columns - offsets
        # beyond the longest text only rows are read that have ended, for company
        self._places = columns.clamp(0, self.ensemble.positions - 1)


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common beginning."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))
