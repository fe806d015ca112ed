from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mendgraph.adapters.forward import Limits, run_batches
from mendgraph.adapters.tokens import Tokens
from mendgraph.errors import OutOfMemory

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


def expected(ids: list[list[int]]) -> list[list[float]]:
    return [[sum(row), len(row), len(row)] for row in ids]


@given(rows, st.integers(1, 9), st.integers(1, 60), st.integers(1, 9))
def test_order_is_kept_and_padding_and_memory_do_not_show(
    ids: list[list[int]], max_rows: int, max_tokens: int, fits: int
) -> None:
    tokens = Tokens(ids, [[1] * len(row) for row in ids])
    found = run_batches(tokens, Cramped(fits), limits=Limits(max_rows, max_tokens), pad_id=7, device=CPU)
    assert found.dtype == torch.float32
    assert found.tolist() == expected(ids)


def test_batches_are_halved_until_they_fit() -> None:
    forward = Cramped(3)
    run_batches(Tokens([[1, 2]] * 8), forward, limits=Limits(8, 100), pad_id=0, device=CPU)
    assert forward.seen == [8, 4, 2, 2, 4, 2, 2]


def test_a_row_that_never_fits_says_so() -> None:
    with pytest.raises(OutOfMemory, match="batch of 1 rows") as caught:
        run_batches(Tokens([[1], [2]]), Cramped(0), limits=Limits(8, 100), pad_id=0, device=CPU)
    assert caught.value.retryable


def test_other_errors_are_bugs_and_escape() -> None:
    def broken(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match=r"^a bug$"):
        run_batches(Tokens([[1], [2]]), broken, limits=Limits(8, 100), pad_id=0, device=CPU)


@pytest.mark.parametrize("ids", [[[1, 2]], [[1, 2], [3, 4]], [[1, 2], [3]]])
def test_results_may_be_used_in_autograd(ids: list[list[int]]) -> None:
    found = run_batches(Tokens(ids), total, limits=Limits(8, 100), pad_id=0, device=CPU)
    assert not found.is_inference()
    scale = torch.ones(3, requires_grad=True)
    (found * scale).sum().backward()
    assert scale.grad is not None


def test_inference_mode_is_opened_inside() -> None:
    modes = []

    def watching(ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        modes.append(torch.is_inference_mode_enabled())
        return total(ids, mask, types)

    run_batches(Tokens([[1], [2, 3]]), watching, limits=Limits(1, 100), pad_id=0, device=CPU)
    assert modes == [True, True]
    assert not torch.is_inference_mode_enabled()
