"""Which rows are read side by side."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["like_lengths"]

_AT_ONCE = 16


def like_lengths(lengths: Sequence[int], rows: int = _AT_ONCE) -> list[list[int]]:
    """Places of rows in batches of like length, so that little is padded."""
    order = sorted(range(len(lengths)), key=lambda at: lengths[at])
    return [order[start : start + rows] for start in range(0, len(order), rows)]
