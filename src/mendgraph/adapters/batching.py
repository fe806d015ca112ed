"""Length-bucketed batches: rows of like length share a forward pass, so that little of it is padding."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["buckets"]


def buckets(lengths: Sequence[int], max_rows: int, max_tokens: int) -> list[list[int]]:
    """Row indices grouped for forward passes, longest first (the allocator then reuses its blocks).

    A bucket costs ``rows * longest`` tokens.  It holds at most `max_rows` rows and `max_tokens` tokens; a row
    longer than `max_tokens` forms a bucket of its own.  Equal lengths keep their order.
    """
    if max_rows < 1 or max_tokens < 1:
        raise ValueError(f"max_rows and max_tokens must be >= 1, got {max_rows} and {max_tokens}")
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    found: list[list[int]] = []
    start = 0
    while start < len(order):
        rows = min(max_rows, max(1, max_tokens // max(1, lengths[order[start]])))
        found.append(order[start : start + rows])
        start += rows
    return found
