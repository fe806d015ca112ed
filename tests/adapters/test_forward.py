from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mendgraph.adapters.forward import Forward, Limits, run_batches
from mendgraph.adapters.tokens import Tokens
from mendgraph.errors import OutOfMemory
from mendgraph.runtime.working_size import WorkingSize

CPU = torch.device("cpu")
rows = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=12), min_size=1, max_size=40)


def total(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
    """(sum of real ids, number of real tokens, sum of segment ids) per row: any padding mistake shows."""
    real = torch.ones_like(ids) if mask is None else mask
    segments = torch.zeros_like(ids) if types is None else types
    return torch.stack([(ids * real).sum(1), real.sum(1), segments.sum(1)], 1)


class Cramped:
    """Runs out of memory above `fits` rows, as a small device does."""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.seen: list[int] = []

    def __call__(self, ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        self.seen.append(len(ids))
        if len(ids) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return total(ids, mask, types)


def run(
    tokens: Tokens, forward: Forward, limits: Limits, *, working: WorkingSize | None = None, pad_id: int = 0
) -> Tensor:
    working = working or WorkingSize(limits.rows)
    return run_batches(tokens, forward, limits=limits, working=working, pad_id=pad_id, device=CPU)


def expected(ids: list[list[int]]) -> list[list[float]]:
    return [[sum(row), len(row), len(row)] for row in ids]


@given(rows, st.integers(1, 9), st.integers(1, 60), st.integers(1, 9))
def test_order_is_kept_and_padding_and_memory_do_not_show(
    ids: list[list[int]], max_rows: int, max_tokens: int, fits: int
) -> None:
    tokens = Tokens(ids, [[1] * len(row) for row in ids])
    found = run(tokens, Cramped(fits), Limits(max_rows, max_tokens), pad_id=7)
    assert found.dtype == torch.float32
    assert found.tolist() == expected(ids)


def test_batches_are_halved_until_they_fit_and_the_size_is_remembered() -> None:
    forward, working = Cramped(3), WorkingSize(8)
    run(Tokens([[1, 2]] * 8), forward, Limits(8, 100), working=working)
    assert forward.seen == [8, 4, 2, 2, 2, 2]
    run(Tokens([[1, 2]] * 8), forward, Limits(8, 100), working=working)
    assert forward.seen[6:] == [2, 2, 2, 2]


def test_a_row_that_never_fits_says_so() -> None:
    with pytest.raises(OutOfMemory, match="batch of 1 rows") as caught:
        run(Tokens([[1], [2]]), Cramped(0), Limits(8, 100))
    assert caught.value.retryable


def test_other_errors_are_bugs_and_escape() -> None:
    def broken(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match=r"^a bug$"):
        run(Tokens([[1], [2]]), broken, Limits(8, 100))


@pytest.mark.parametrize("ids", [[[1, 2]], [[1, 2], [3, 4]], [[1, 2], [3]]])
def test_results_may_be_used_in_autograd(ids: list[list[int]]) -> None:
    found = run(Tokens(ids), total, Limits(8, 100))
    assert not found.is_inference()
    scale = torch.ones(3, requires_grad=True)
    (found * scale).sum().backward()
    assert scale.grad is not None


def test_inference_mode_is_opened_inside() -> None:
    modes = []

    def watching(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        modes.append(torch.is_inference_mode_enabled())
        return total(ids, mask, types)

    run(Tokens([[1], [2, 3]]), watching, Limits(1, 100))
    assert modes == [True, True]
    assert not torch.is_inference_mode_enabled()
