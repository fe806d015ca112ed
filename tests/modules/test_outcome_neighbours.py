"""Outcomes of the nearest known prompts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mendgraph.modules.outcome_neighbours import OutcomeIndex

NAN = float("nan")


def index(
    outcomes: Tensor, vectors: Tensor | None = None, *, k: int = 100, shrink: float = 1.0
) -> OutcomeIndex:
    points = torch.eye(len(outcomes)) if vectors is None else vectors
    return OutcomeIndex.fit(points, outcomes, width=8, k=k, temperature=0.1, shrink=shrink)


@given(st.integers(0, 1_000), st.floats(0.01, 50))
def test_expected_outcomes_lie_between_those_known(seed: int, shrink: float) -> None:
    noise = torch.Generator().manual_seed(seed)
    vectors, outcomes = torch.randn(12, 6, generator=noise), torch.rand(12, 3, generator=noise)
    outcomes[torch.rand(12, 3, generator=noise) < 0.3] = NAN
    outcomes[0] = 0.5
    found = index(outcomes, vectors, shrink=shrink).quality(torch.randn(5, 6, generator=noise))
    low, high = outcomes.nan_to_num(2.0).amin(0), outcomes.nan_to_num(-1.0).amax(0)
    assert found.shape == (5, 3)
    assert (found >= low - 1e-4).all()
    assert (found <= high + 1e-4).all()


def test_near_prompts_count_most_and_an_llm_nobody_tried_near_by_has_its_mean() -> None:
    outcomes = torch.tensor([[1.0, NAN], [0.0, 1.0], [0.0, 0.0]])
    found = index(outcomes, k=1, shrink=0.01).quality(torch.eye(3)[:1])
    assert found[0, 0] == pytest.approx(1.0, abs=0.02)
    assert found[0, 1] == pytest.approx(0.5)


def test_much_shrinkage_gives_the_means() -> None:
    outcomes = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = index(outcomes, shrink=1e6).quality(torch.eye(3))
    torch.testing.assert_close(found, outcomes.mean(0).expand(3, 2), atol=1e-4, rtol=0)


def test_some_llms_in_another_order_say_the_same_and_forget_prompts_of_others() -> None:
    outcomes = torch.tensor([[1.0, NAN, 0.5], [0.0, NAN, 1.0], [NAN, 1.0, NAN], [0.5, NAN, 0.0]])
    whole = index(outcomes)
    part = whole.of_models([2, 0])
    assert len(part.points) == 3
    query = torch.eye(4)[:2]
    torch.testing.assert_close(part.quality(query), whole.quality(query)[:, [2, 0]], atol=1e-3, rtol=0)


def test_no_prompts_no_answers() -> None:
    assert index(torch.rand(3, 2)).quality(torch.zeros(0, 3)).shape == (0, 2)
