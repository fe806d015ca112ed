"""Bits per byte against closed forms."""

from __future__ import annotations

from math import log2
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from mendgraph.training.lm.bits import bits_per_byte
from mendgraph.training.lm.packing import windows

VOCAB = 11
LENGTHS = torch.tensor([0, 1, 1, 2, 3, 1, 4, 2, 2, 1, 5])
CPU = torch.device("cpu")


class Fixed(nn.Module):
    """Gives each token the same scores wherever it stands."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, input_ids: Tensor, **kwargs: Any) -> Any:
        return SimpleNamespace(logits=self.scores.expand(*input_ids.shape, len(self.scores)))


tokens = st.lists(st.integers(1, VOCAB - 1), min_size=2, max_size=60)


@given(tokens, st.integers(1, 20), st.integers(1, 5))
def test_uniform_model_needs_the_logarithm_of_the_vocabulary(ids: list[int], context: int, rows: int) -> None:
    found = bits_per_byte(
        Fixed(torch.zeros(VOCAB)), windows(np.array(ids, np.uint16), context), LENGTHS, rows=rows, device=CPU
    )
    size = sum(int(LENGTHS[i]) for i in ids[1:])
    assert found == pytest.approx((len(ids) - 1) * log2(VOCAB) / size, rel=1e-5)


@given(tokens, st.integers(0, 2**31))
def test_unigram_model_pays_each_token_its_own_price(ids: list[int], seed: int) -> None:
    scores = torch.randn(VOCAB, generator=torch.Generator().manual_seed(seed))
    found = bits_per_byte(Fixed(scores), windows(np.array(ids, np.uint16), 7), LENGTHS, rows=3, device=CPU)
    price = -scores.double().log_softmax(-1) / torch.tensor(2.0).double().log()
    size = sum(int(LENGTHS[i]) for i in ids[1:])
    assert found == pytest.approx(float(price[ids[1:]].sum()) / size, rel=1e-4)


def test_model_stays_in_the_mode_it_was_in() -> None:
    model = Fixed(torch.zeros(VOCAB))
    model.train()
    bits_per_byte(model, windows(np.array([1, 2, 3], np.uint16), 2), LENGTHS, rows=2, device=CPU)
    assert model.training
