"""Vectors of prompts, computed once per evaluation for every router that reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mendgraph.core.arrays import FloatArray

Array32 = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], npt.ArrayLike]
"""N prompts to (N, D)."""

CHUNK = 256


class Reader(Protocol):
    """Anything that knows the vectors of prompts."""

    def of(self, prompts: Sequence[str]) -> FloatArray:
        """(N, D), in order."""
        ...


class Readings:
    """Remembers one kind of vector as float32."""

    def __init__(self, encode: Encode, step: Callable[[int, int], None] = lambda done, of: None) -> None:
        """
        Args:
            step: told how many of how many new prompts have been read.
        """
        self._encode, self._step = encode, step
        self._rows: dict[str, Array32] = {}

    def read(self, prompts: Sequence[str]) -> None:
        """Vectors of prompts not met before, long ones with long ones."""
        new = sorted({prompt for prompt in prompts if prompt not in self._rows}, key=len)
        for start in range(0, len(new), CHUNK):
            part = new[start : start + CHUNK]
            self._rows.update(zip(part, np.asarray(self._encode(part), dtype=np.float32), strict=True))
            self._step(start + len(part), len(new))

    def of(self, prompts: Sequence[str]) -> FloatArray:
        self.read(prompts)
        return np.stack([self._rows[prompt] for prompt in prompts]).astype(np.float64)


class Columns:
    """Some columns of another reader's vectors."""

    def __init__(self, reader: Reader, columns: slice) -> None:
        self._reader, self._columns = reader, columns

    def of(self, prompts: Sequence[str]) -> FloatArray:
        return self._reader.of(prompts)[:, self._columns]


class SideBySide:
    """Vectors of several readers, one after the other."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = tuple(readers)

    def of(self, prompts: Sequence[str]) -> FloatArray:
        return np.concatenate([reader.of(prompts) for reader in self._readers], axis=1)
