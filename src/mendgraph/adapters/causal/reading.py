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
        room: columns to make room for at first.
    """

    def __init__(
        self, ensemble: Ensemble, rows: Sequence[int], texts: Sequence[Sequence[int]], room: int
    ) -> None:
        self.ensemble = ensemble
        self.rows, self.texts = list(rows), [list(text) for text in texts]
        self.width = max(map(len, texts))
        self.pads = [self.width - len(text) for text in texts]
        pad = ensemble.vocabulary.pad_id
        filled = [[pad] * gap + text for gap, text in zip(self.pads, self.texts, strict=True)]
        self._ids = torch.tensor(filled, dtype=torch.long).to(ensemble.device)
        self._room = max(room, self.width)
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

    def append(self, ids: Sequence[int]) -> None:
        """One more token for each row."""
        if self.width == self._ids.shape[1]:
            self._ids = torch.nn.functional.pad(self._ids, (0, max(self._room - self.width, self.width)))
        self._ids[:, self.width] = torch.tensor(list(ids), dtype=torch.long, device=self._ids.device)
        for text, token in zip(self.texts, ids, strict=True):
            text.append(token)
        self.width += 1
        self._states = {}

    def follow(self, rows: Sequence[int], texts: Sequence[Sequence[int]]) -> bool:
        """Become these rows with these texts, keeping what was read of their common beginning; False if it cannot."""
        if not set(rows) <= set(self.rows):
            return False
        places = [self.rows.index(row) for row in rows]
        widths = {self.pads[place] + len(text) for place, text in zip(places, texts, strict=True)}
        shared = min(
            self.pads[place] + _shared(self.texts[place], text)
            for place, text in zip(places, texts, strict=True)
        )
        if len(widths) > 1 or shared <= max(self.pads[place] for place in places):
            return False
        self._select(places)
        width = widths.pop()
        # the last column is read again, for its state
        for cache in self._caches.values():
            cache.crop(min(shared, width - 1))
        self._states = {}
        self.width = shared
        self.texts = [list(text[: shared - gap]) for gap, text in zip(self.pads, texts, strict=True)]
        for column in range(shared, width):
            self.append([text[column - gap] for gap, text in zip(self.pads, texts, strict=True)])
        return True

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
            mask=None if self._mask is None else self._seen(self.width),
            places=self._places(start),
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
            found = self._caches[id(host)] = ExpertCache(host.layers, len(self.rows), self._room)
        return found

    def _set_padding(self) -> None:
        device = self._ids.device
        self._offsets = torch.tensor(self.pads, device=device)[:, None] if any(self.pads) else None
        self._mask: Tensor | None = None
        if self._offsets is not None:
            self._mask = (torch.arange(self._room, device=device) >= self._offsets).long()

    def _seen(self, width: int) -> Tensor:
        assert self._mask is not None
        if width > self._mask.shape[1]:
            self._mask = torch.nn.functional.pad(self._mask, (0, width), value=1)
        return self._mask[:, :width]

    def _places(self, start: int) -> Tensor:
        columns = torch.arange(start, self.width, device=self._ids.device)[None]
        return columns if self._offsets is None else (columns - self._offsets).clamp(min=0)

    def _select(self, places: list[int]) -> None:
        if places == [*range(len(self.rows))]:
            return
        index = torch.tensor(places, device=self._ids.device)
        self._ids = self._ids.index_select(0, index)
        for cache in self._caches.values():
            cache.select(index)
        self.rows = [self.rows[place] for place in places]
        self.texts = [self.texts[place] for place in places]
        self.pads = [self.pads[place] for place in places]
        self._set_padding()


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common beginning."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))
