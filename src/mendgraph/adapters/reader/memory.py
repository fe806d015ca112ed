"""What was read lately, so that what is found in it and what is made of it come from one reading."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

import torch

from mendgraph.adapters.reader.layers import Seen
from mendgraph.adapters.reader.midway import Midway, Ready, own_cache

__all__ = ["Latest", "Memory", "Reading", "rows_of"]

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch of prompts, stopped midway, and read to their ends where that was done; nobody changes it.

    Attributes:
        ready: from the states as they were found.
    """

    midway: Midway
    ready: Ready | None = None

    @property
    def tokens(self) -> int:
        """What it holds, padding and all; twice as many where it was read to the end."""
        rows, width = self.midway.seen.ids.shape
        return rows * width * (1 if self.ready is None else 2)


class Memory:
    """The latest readings, up to a number of tokens; safe in threads.

    Args:
        tokens: held at most, but for the latest reading, which is always kept.  A token takes 4 bytes for each number
            of a state, and for each of the keys and values of the layers below the border.
    """

    def __init__(self, tokens: int) -> None:
        self._most = tokens
        self._held = 0
        self._readings: OrderedDict[int, Reading] = OrderedDict()
        self._rows: dict[int, set[str]] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._next = 0
        self._lock = Lock()

    def keep(self, keys: Sequence[str], reading: Reading) -> None:
        """In place of what was known of these rows.

        Args:
            keys: of the reading's rows, in order.
        """
        with self._lock:
            for key in set(keys):
                self._forget(key)
            self._next += 1
            self._readings[self._next] = reading
            self._held += reading.tokens
            self._places |= {key: (self._next, row) for row, key in enumerate(keys)}
            self._rows[self._next] = set(keys)
            while self._held > self._most and len(self._readings) > 1:
                for key in list(self._rows[next(iter(self._readings))]):
                    self._forget(key)

    def _forget(self, key: str) -> None:
        """A reading goes with the last of its rows."""
        if key not in self._places:
            return
        number, _ = self._places.pop(key)
        self._rows[number].discard(key)
        if not self._rows[number]:
            del self._rows[number]
            self._held -= self._readings.pop(number).tokens

    def find(self, keys: Sequence[str]) -> tuple[list[tuple[Reading, list[int], list[int]]], list[int]]:
        """Readings with the rows of each that are wanted, and whose places in `keys` they are; and places not found."""
        with self._lock:
            groups: dict[int, tuple[list[int], list[int]]] = {}
            missing = []
            for place, key in enumerate(keys):
                if key not in self._places:
                    missing.append(place)
                    continue
                number, row = self._places[key]
                rows, places = groups.setdefault(number, ([], []))
                rows.append(row)
                places.append(place)
                self._readings.move_to_end(number)
            return [(self._readings[number], *group) for number, group in groups.items()], missing


class Latest(Generic[V]):
    """The latest `most` values by their keys; safe in threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, V] = OrderedDict()
        self._lock = Lock()

    def put(self, key: str, value: V) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)

    def get(self, key: str) -> V | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)


def rows_of(reading: Reading, rows: Sequence[int]) -> Reading:
    """Some rows of a reading, in this order; the reading itself where they are all of it."""
    midway = reading.midway
    if list(rows) == list(range(len(midway.prompts))):
        return reading
    with torch.inference_mode():
        places = torch.tensor(list(rows), device=midway.states.device)
        below = own_cache(midway.below)
        below.batch_select_indices(places)
        seen = Seen(midway.seen.ids[places], midway.seen.mask[places], midway.seen.places[places])
        prompts = tuple(midway.prompts[row] for row in rows)
        part = Midway(prompts, seen, midway.border, midway.states[places], below)
        return Reading(part, None if reading.ready is None else reading.ready.taken(places))
