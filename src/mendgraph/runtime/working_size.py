"""Batches that fit into memory: halved when they do not, remembered, and grown again slowly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from mendgraph.errors import OutOfMemory
from mendgraph.runtime.notes import note

T = TypeVar("T")

PATIENCE = 8
"""Full pieces that must fit before the next piece may be a quarter larger."""

_MOST_PATIENCE = 1024


class WorkingSize:
    """How many items to try at once; shared by all threads that use one model on one device.

    Args:
        limit: never more than this; None for as many as come.
    """

    def __init__(self, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit must be >= 1, got {limit}")
        self.limit = limit
        self._size = limit
        self._patience = PATIENCE
        self._fitted = 0
        self._grew = False
        self._lock = threading.Lock()

    @property
    def size(self) -> int | None:
        """Items per piece at present; None while nothing limits it."""
        return self._size

    def fits(self, count: int) -> None:
        """A piece of `count` items went through."""
        if self._size == self.limit:
            return
        with self._lock:
            if self._size is None or count < self._size:
                return  # a piece that was small anyway does not say that a larger one would fit
            self._fitted += 1
            if self._fitted >= self._patience:
                larger = self._size + max(1, self._size // 4)
                self._size = larger if self.limit is None else min(larger, self.limit)
                self._fitted = 0
                self._grew = True

    def overflows(self, count: int) -> None:
        """A piece of `count` items ran out of memory."""
        with self._lock:
            if self._grew:  # each attempt to grow that ends here makes the next one wait twice as long
                self._patience = min(2 * self._patience, _MOST_PATIENCE)
            self._grew = False
            self._fitted = 0
            half = max(1, count // 2)
            self._size = half if self._size is None else min(self._size, half)


def in_pieces(
    count: int, run: Callable[[int, int], T], working: WorkingSize, release: Callable[[], None] | None = None
) -> list[T]:
    """What `run(start, stop)` gives for consecutive pieces that cover ``range(count)``, in order.

    A piece that runs out of memory is tried again in halves; the trail gets a note.

    Args:
        release: called after a piece ran out of memory, when what it had allocated is no longer referred to.

    Raises:
        OutOfMemory: one item alone does not fit.
    """
    parts: list[T] = []
    start, too_large, smallest = 0, 0, count
    while start < count:
        size = working.size
        stop = count if size is None else min(count, start + size)
        fitted = True
        try:
            parts.append(run(start, stop))
        except OutOfMemory as error:
            if stop - start == 1:
                raise
            # Its frames keep the failed batch alive, and refer back to it.
            error.__traceback__ = error.__cause__ = error.__context__ = None
            fitted = False
        if fitted:
            working.fits(stop - start)
            start = stop
            continue
        working.overflows(stop - start)
        too_large = max(too_large, stop - start)
        smallest = min(smallest, (stop - start) // 2)
        if release is not None:
            release()
    if too_large:
        note(f"out of memory at {too_large} rows; answered in pieces of {smallest}")
    return parts
