"""The product for a few rows is the usual product."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mendgraph.modules.skinny import is_skinny, skinny_linear

WEIGHT, BIAS = (torch.randn(size, generator=torch.Generator().manual_seed(0)) for size in ((40, 24), (40,)))


@given(rows=st.integers(1, 8), biased=st.booleans())
def test_it_is_the_usual_product(rows: int, biased: bool) -> None:
    states, bias = torch.randn(rows, 24), BIAS if biased else None
    wanted = torch.nn.functional.linear(states, WEIGHT, bias)
    assert torch.allclose(skinny_linear(states, WEIGHT, bias), wanted, atol=1e-5)


@pytest.mark.parametrize(("rows", "dtype", "wanted"), [
    (1, torch.float32, False), (3, torch.float32, True), (100, torch.float32, False), (3, torch.bfloat16, False)
])  # fmt: skip
def test_it_is_for_a_few_rows_in_single_precision(rows: int, dtype: torch.dtype, wanted: bool) -> None:
    assert is_skinny(rows, WEIGHT.to(dtype)) is wanted
