"""Runs a model over rows of token ids: bucketed, order kept, smaller batches when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mendgraph.adapters.batching import buckets
from mendgraph.adapters.foreign import renamed
from mendgraph.adapters.tokens import Tokens
from mendgraph.runtime.working_size import WorkingSize, in_pieces

__all__ = ["Forward", "Limits", "run_batches"]

# (ids (B, T), mask (B, T) or None when no row is padded, segment ids (B, T) or None) -> (B, K)
Forward = Callable[[Tensor, Tensor | None, Tensor | None], Tensor]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one forward pass: rows, and rows times the longest row."""

    rows: int
    tokens: int

    @classmethod
    def of(cls, batch_size: int, typical: int = 64) -> Limits:
        """`batch_size` rows of up to `typical` tokens; fewer of longer ones, so that a batch stays in cache."""
        return cls(batch_size, batch_size * typical)


def run_batches(
    tokens: Tokens,
    forward: Forward,
    *,
    limits: Limits,
    working: WorkingSize,
    pad_id: int,
    device: torch.device,
) -> Tensor:
    """(N, K) float32 on the CPU, in the order of `tokens`, which must not be empty.

    Args:
        working: rows per forward pass that the model's device has memory for; one per model.

    Raises:
        OutOfMemory: one row alone does not fit.
    """

    def passed(bucket: Tokens) -> Iterable[Tensor]:
        def run(start: int, stop: int) -> Tensor:
            rows = stop - start
            part = bucket if rows == len(bucket) else bucket.take(range(start, stop))
            with renamed(f"run a batch of {rows} rows"):
                return forward(*_tensors(part, pad_id, device))

        return in_pieces(len(bucket), run, working, torch.cuda.empty_cache if device.type == "cuda" else None)

    with torch.inference_mode():  # thread-local: it must be opened here, not by the caller
        if len(tokens) == 1:
            parts, order = [*passed(tokens)], [0]
        else:
            groups = buckets([len(row) for row in tokens.ids], limits.rows, limits.tokens)
            parts = [part for group in groups for part in passed(tokens.take(group))]
            order = [row for group in groups for row in group]
        found = torch.cat(parts).float().cpu()
    if order == [0]:
        return found.clone()  # outside inference mode, so that callers may use it in autograd
    out = torch.empty_like(found)
    out[order] = found
    return out


def _tensors(
    tokens: Tokens, pad_id: int, device: torch.device
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """No mask for rows of one length: same result, and attention takes its faster path."""
    longest = max(len(row) for row in tokens.ids)
    even = all(len(row) == longest for row in tokens.ids)
    ids = _padded(tokens.ids, longest, pad_id, device)
    mask = None if even else _padded([[1] * len(row) for row in tokens.ids], longest, 0, device)
    types = None if tokens.types is None else _padded(tokens.types, longest, 0, device)
    return ids, mask, types


def _padded(rows: Sequence[list[int]], width: int, fill: int, device: torch.device) -> Tensor:
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows], dtype=torch.long).to(device)
