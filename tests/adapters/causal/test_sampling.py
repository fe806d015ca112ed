"""Drawing tokens: by number and probability alone, never outside what is left."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from mendgraph.adapters.causal.sampling import Sampling, draw, uniform
from mendgraph.errors import ConfigError

LOGITS = st.lists(st.floats(-8, 8), min_size=2, max_size=12)
NUMBERS = st.floats(0, 1, exclude_max=True)


@given(LOGITS, NUMBERS)
def test_without_temperature_the_likeliest_wins(logits: list[float], number: float) -> None:
    given_logits = torch.tensor([logits])
    assert draw(given_logits, Sampling(), [number]).item() == given_logits.argmax().item()


@given(LOGITS, NUMBERS, st.floats(0.05, 3), st.floats(0.01, 1), st.integers(0, 5))
def test_only_tokens_that_are_left_are_drawn(
    logits: list[float], number: float, temperature: float, top_p: float, top_k: int
) -> None:
    token = int(draw(torch.tensor([logits]), Sampling(temperature, top_p, top_k), [number]))
    probabilities = torch.softmax(torch.tensor(logits).double() / temperature, -1)
    better = probabilities[probabilities > probabilities[token]]
    assert float(better.sum()) <= top_p + 1e-9
    assert not top_k or len(better) < top_k


@given(LOGITS, LOGITS, NUMBERS, NUMBERS)
def test_rows_do_not_see_each_other(one: list[float], other: list[float], a: float, b: float) -> None:
    width = min(len(one), len(other))
    rows = torch.tensor([one[:width], other[:width]])
    sampling = Sampling(0.8, 0.9)
    together = draw(rows, sampling, [a, b])
    assert together.tolist() == [int(draw(rows[:1], sampling, [a])), int(draw(rows[1:], sampling, [b]))]


def test_frequencies_are_the_probabilities() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    drawn = [int(draw(logits, Sampling(1.0), [uniform(0, step)])) for step in range(4000)]
    counts = torch.bincount(torch.tensor(drawn), minlength=3) / 4000
    assert torch.allclose(counts, torch.softmax(logits[0], -1), atol=0.03)


@given(st.integers(0, 2**40), st.integers(0, 2**20))
def test_the_same_seed_and_step_give_the_same_number(seed: int, step: int) -> None:
    assert 0 <= uniform(seed, step) < 1
    assert uniform(seed, step) == uniform(seed, step) != uniform(seed, step + 1)


@pytest.mark.parametrize("top_k", [0, 1, 3, 50])
@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.3, 1e-6])
def test_what_is_left_is_what_transformers_leaves(top_k: int, top_p: float) -> None:
    logits = 3 * torch.randn(4, 30, generator=torch.Generator().manual_seed(top_k))
    warpers: list[Any] = [TemperatureLogitsWarper(0.7), TopPLogitsWarper(top_p)]
    if top_k:
        warpers.insert(1, TopKLogitsWarper(top_k))
    wanted = logits
    for warper in warpers:
        wanted = warper(None, wanted)
    numbers = [number / 500 for number in range(500)]
    for row, left in zip(logits, wanted, strict=True):
        drawn = draw(row.expand(500, -1), Sampling(0.7, top_p, top_k), numbers)
        assert set(drawn.tolist()) <= set(left.isfinite().nonzero()[:, 0].tolist())
        found = torch.bincount(drawn, minlength=30) / 500
        assert torch.allclose(found, torch.softmax(left, -1), atol=5e-3)


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2.0**-53])
def test_next_to_no_temperature_takes_the_likeliest(number: float) -> None:
    assert draw(torch.tensor([[1.0, 3.0, -2.0]]), Sampling(1e-320), [number]).tolist() == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0},
        {"top_p": 1.1},
        {"top_k": -1},
    ],
)
def test_ranges_are_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="sampling: "):
        Sampling(**wrong)  # type: ignore[arg-type]
